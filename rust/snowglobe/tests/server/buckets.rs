//! S3 as the AWS SDK speaks it.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use snowglobe::faults::{Calls, Fault, FaultKind, Service};
use snowglobe::server::{Options, Running, serve};

async fn start() -> (Running, Client) {
    let server = serve(Options {
        buckets: vec!["lake".into()],
        ..Options::default()
    })
    .await
    .unwrap();
    let client = client(&server, &server.credentials.s3_secret_access_key);
    (server, client)
}

fn client(server: &Running, secret: &str) -> Client {
    connect(
        &server.s3_url(),
        &server.credentials.s3_access_key_id,
        secret,
    )
}

/// A client of the S3 at `url`.
pub fn connect(url: &str, id: &str, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .force_path_style(true)
        .build();
    Client::from_conf(config)
}

async fn put(client: &Client, key: &str, body: &'static str) {
    client
        .put_object()
        .bucket("lake")
        .key(key)
        .body(ByteStream::from_static(body.as_bytes()))
        .send()
        .await
        .unwrap();
}

async fn read(client: &Client, key: &str) -> Vec<u8> {
    let object = client
        .get_object()
        .bucket("lake")
        .key(key)
        .send()
        .await
        .unwrap();
    object.body.collect().await.unwrap().to_vec()
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.code()
}

#[tokio::test]
async fn what_is_put_is_read_listed_copied_and_deleted() {
    let (_server, client) = start().await;
    let name = "in/ü \"&<>+%.csv";
    put(&client, name, "hello").await;
    assert_eq!(read(&client, name).await, b"hello");
    client
        .copy_object()
        .bucket("lake")
        .key("copy")
        .copy_source("lake/in%2F%C3%BC%20%22%26%3C%3E%2B%25.csv")
        .send()
        .await
        .unwrap();
    assert_eq!(read(&client, "copy").await, b"hello");
    let listed = client
        .list_objects_v2()
        .bucket("lake")
        .send()
        .await
        .unwrap();
    assert_eq!(
        listed
            .contents()
            .iter()
            .filter_map(|object| object.key())
            .collect::<Vec<_>>(),
        ["copy", name]
    );
    client
        .delete_object()
        .bucket("lake")
        .key(name)
        .send()
        .await
        .unwrap();
    let gone = client
        .get_object()
        .bucket("lake")
        .key(name)
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&gone), Some("NoSuchKey"));
}

#[tokio::test]
async fn a_request_signed_with_another_secret_is_refused() {
    let (server, _) = start().await;
    let stranger = client(&server, "not the secret");
    let error = stranger.list_buckets().send().await.unwrap_err();
    assert_eq!(code(&error), Some("SignatureDoesNotMatch"));
    let unsigned = reqwest::get(format!("{}/lake?list-type=2", server.s3_url()))
        .await
        .unwrap();
    assert_eq!(unsigned.status().as_u16(), 403);
}

#[tokio::test]
async fn a_put_on_condition_that_nothing_is_there_has_one_winner() {
    let (_server, client) = start().await;
    let puts = (0..8).map(|number| {
        let body = ByteStream::from(format!("writer {number}").into_bytes());
        client
            .put_object()
            .bucket("lake")
            .key("one")
            .if_none_match("*")
            .body(body)
            .send()
    });
    let outcomes = futures::future::join_all(puts).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(code(lost), Some("PreconditionFailed"));
    }
}

#[tokio::test]
async fn an_upload_in_parts_is_one_object_with_the_parts_checksums() {
    let (_server, client) = start().await;
    let started = client
        .create_multipart_upload()
        .bucket("lake")
        .key("big")
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .send()
        .await
        .unwrap();
    let id = started.upload_id().unwrap();
    let pieces = [vec![b'a'; 5 << 20], vec![b'b'; 5 << 20], b"end".to_vec()];
    let mut parts = CompletedMultipartUpload::builder();
    for (number, piece) in (1..).zip(&pieces) {
        let body = ByteStream::from(piece.clone());
        let part = client
            .upload_part()
            .bucket("lake")
            .key("big")
            .upload_id(id)
            .part_number(number)
            .body(body);
        let part = part
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .send()
            .await
            .unwrap();
        let done = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag)
            .set_checksum_crc32(part.checksum_crc32);
        parts = parts.parts(done.build());
    }
    let too_early = client
        .get_object()
        .bucket("lake")
        .key("big")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&too_early), Some("NoSuchKey"));
    let parts = parts.build();
    let complete = || {
        let request = client.complete_multipart_upload().bucket("lake").key("big");
        request.upload_id(id).multipart_upload(parts.clone()).send()
    };
    let done = complete().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-3\""), "{done:?}");
    assert!(done.checksum_crc32().unwrap().ends_with("-3"), "{done:?}");
    assert_eq!(read(&client, "big").await, pieces.concat());
    assert_eq!(code(&complete().await.unwrap_err()), Some("NoSuchUpload"));
}

#[tokio::test]
async fn objects_and_uploads_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        data: Some(dir.path().into()),
        buckets: vec!["lake".into()],
        ..Options::default()
    };
    let server = serve(options.clone()).await.unwrap();
    let before = client(&server, &server.credentials.s3_secret_access_key);
    put(&before, "kept", "hello").await;
    let upload = before
        .create_multipart_upload()
        .bucket("lake")
        .key("later")
        .send()
        .await
        .unwrap();
    server.stop().await;

    let server = serve(options).await.unwrap();
    let after = client(&server, &server.credentials.s3_secret_access_key);
    assert_eq!(read(&after, "kept").await, b"hello");
    let uploads = after
        .list_multipart_uploads()
        .bucket("lake")
        .send()
        .await
        .unwrap();
    assert_eq!(uploads.uploads()[0].upload_id(), upload.upload_id());
}

#[tokio::test]
async fn faults_strike_s3_too_and_the_sdk_comes_through_them() {
    let (server, client) = start().await;
    let on = || Calls {
        service: Some(Service::S3),
        ..Calls::default()
    };
    server.faults.arm(
        Fault::once(FaultKind::Refuse {
            status: 503,
            retry_after_seconds: None,
        })
        .on(on()),
    );
    server
        .faults
        .arm(Fault::once(FaultKind::LoseAnswer).on(on()).after(1));
    put(&client, "k", "hello").await;
    assert_eq!(read(&client, "k").await, b"hello");
    assert!(
        server.faults.list().iter().all(|fault| fault.struck == 1),
        "{:?}",
        server.faults.list()
    );
}

#[tokio::test]
async fn what_it_cannot_do_it_refuses_by_name() {
    let (_server, client) = start().await;
    let tagged = client
        .put_object()
        .bucket("lake")
        .key("k")
        .tagging("a=b")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&tagged), Some("NotImplemented"));
    assert!(tagged.message().unwrap().contains("x-amz-tagging"));
    let versions = client
        .list_object_versions()
        .bucket("lake")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&versions), Some("NotImplemented"));
}
