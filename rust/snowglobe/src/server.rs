//! Snowglobe as a whole: opens the data, listens, and stops in order. Tests call [`serve`] with port 0.

use crate::auth::{Authenticator, Credentials, CredentialsError};
use crate::drain::Drained;
use crate::engine::{Clock, Engine, EngineOptions, SnowflakeError};
use crate::faults::events::Courier;
use crate::faults::http::{Cut, around};
use crate::faults::{Faults, Service};
use crate::s3::Store;
use crate::wire::{App, Limits};
use crate::{s3, wire};
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// How long a stop waits for calls that are being answered.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How long a client may take to send a request's head.
const HEADER_WAIT: Duration = Duration::from_secs(30);

/// How to serve.
#[derive(Clone)]
pub struct Options {
    /// Where Snowflake's HTTP listens.
    pub listen: SocketAddr,
    /// Where S3 listens.
    pub s3: SocketAddr,
    /// Where everything is kept; in memory without.
    pub data: Option<PathBuf>,
    /// Where the first user's credentials are kept; with the data if not said.
    pub credentials: Option<PathBuf>,
    /// The account's name.
    pub account: String,
    /// Whether AWS roles trust only whom `POST /_snowglobe/trust` names.
    pub strict_trust: bool,
    /// The first user's programmatic access token, if it shall not be made up.
    pub admin_token: Option<String>,
    /// Id and secret of the S3 access key, if they shall not be made up.
    pub s3_key: Option<(String, String)>,
    /// Buckets to make if they are not there.
    pub buckets: Vec<String>,
    /// The engine's time.
    pub clock: Clock,
    /// Limits of the wire.
    pub limits: Limits,
}

impl Default for Options {
    /// In memory, on free ports of this machine.
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            s3: (Ipv4Addr::LOCALHOST, 0).into(),
            data: None,
            credentials: None,
            account: "FIRN".to_owned(),
            strict_trust: false,
            admin_token: None,
            s3_key: None,
            buckets: Vec::new(),
            clock: Clock::system(),
            limits: Limits::default(),
        }
    }
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A port is taken, or not allowed.
    #[error("cannot listen on {address}: {}", cause(.error))]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data in {}: {error}", .path.display())]
    Data {
        /// Which folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The credentials cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The engine does not open.
    #[error("cannot open the engine: {0}")]
    Engine(#[from] SnowflakeError),
    /// The system has no thread left.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is taken: stop what listens there, or choose another (0 takes a free one)"
                .into()
        }
        io::ErrorKind::PermissionDenied => {
            "not allowed: ports below 1024 need privileges, choose a higher one".into()
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address".into(),
        _ => error.to_string(),
    }
}

/// A running server. Dropped, it stops at once; [`Running::stop`] lets calls end first.
pub struct Running {
    /// Where Snowflake's HTTP listens.
    pub address: SocketAddr,
    /// Where S3 listens.
    pub s3_address: SocketAddr,
    /// How to get in.
    pub credentials: Credentials,
    /// The account's name.
    pub account: String,
    /// What is to go wrong.
    pub faults: Arc<Faults>,
    /// The engine itself, beside the wire.
    pub engine: Engine,
    /// The objects themselves, beside S3's HTTP.
    pub objects: Arc<Store>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    _courier: Courier,
    lock: Option<std::fs::File>,
}

impl Running {
    /// The URL of Snowflake's HTTP.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of S3.
    pub fn s3_url(&self) -> String {
        format!("http://{}", self.s3_address)
    }

    /// Stops listening, lets calls end for a few seconds, then ends: the data can be opened again.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            if let Err(error) = task.await {
                log::error!("a listener ended badly: {error}");
            }
        }
        let open = self.engine.until_closed();
        // The folder stays ours until the engine has written what it holds.
        let lock = self.lock.take();
        drop(self);
        let closed = async {
            while open.strong_count() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(STOP_WAIT, closed).await.is_err() {
            log::warn!("statements that took longer than {STOP_WAIT:?} to end were left behind");
        }
        drop(lock);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Starts Snowglobe.
///
/// # Errors
/// [`ServeError`], which says what to do.
pub async fn serve(options: Options) -> Result<Running, ServeError> {
    let snowflake = bind(options.listen).await?;
    let objects_listener = bind(options.s3).await?;
    let lock = options.data.as_ref().map(|dir| lock(dir)).transpose()?;
    let objects = Arc::new(store(&options)?);
    let credentials = credentials(&options)?;
    let engine = engine(&options, &objects)?;
    let faults = Arc::new(Faults::default());
    let courier = courier(&faults, &engine, &objects).map_err(ServeError::Thread)?;
    let statements = wire::statements(options.data.as_deref(), &options.limits);
    let app = App {
        engine: engine.clone(),
        authenticator: Arc::new(Authenticator::new(
            &options.account,
            engine.clone(),
            &credentials,
        )),
        statements: Arc::new(statements.map_err(|error| data_error(&options, error))?),
        sessions: Arc::default(),
        faults: Arc::clone(&faults),
        limits: options.limits,
    };
    let key = (
        credentials.s3_access_key_id.clone(),
        credentials.s3_secret_access_key.clone(),
    );
    let buckets = s3::endpoint(Arc::clone(&objects), &[key]);
    let (stop, stopped) = watch::channel(false);
    let address = local_address(&snowflake)?;
    let s3_address = local_address(&objects_listener)?;
    let router = wire::router(app);
    let tasks = vec![
        tokio::spawn(accept(
            snowflake,
            stopped.clone(),
            Arc::clone(&faults),
            Service::Snowflake,
            move |request| {
                let answer = router.clone().oneshot(request);
                async move { answer.await.unwrap_or_else(|never| match never {}) }
            },
        )),
        tokio::spawn(accept(
            objects_listener,
            stopped,
            Arc::clone(&faults),
            Service::S3,
            move |request| {
                let buckets = buckets.clone();
                async move { s3_answer(buckets, request).await }
            },
        )),
    ];
    let account = options.account.to_ascii_uppercase();
    Ok(Running {
        address,
        s3_address,
        credentials,
        account,
        faults,
        engine,
        objects,
        stop,
        tasks,
        _courier: courier,
        lock,
    })
}

fn credentials(options: &Options) -> Result<Credentials, ServeError> {
    if let Some(dir) = &options.credentials {
        make_private(dir).map_err(|error| ServeError::Data {
            path: dir.clone(),
            error,
        })?;
    }
    Ok(
        match options.credentials.as_ref().or(options.data.as_ref()) {
            Some(dir) => Credentials::in_folder(
                dir,
                &options.account,
                options.admin_token.clone(),
                options.s3_key.clone(),
            )?,
            None => Credentials::in_memory(options.admin_token.clone(), options.s3_key.clone())?,
        },
    )
}

fn engine(options: &Options, objects: &Arc<Store>) -> Result<Engine, ServeError> {
    Ok(Engine::open(EngineOptions {
        data_dir: options.data.as_ref().map(|dir| dir.join("engine")),
        clock: options.clock.clone(),
        object_store: Arc::clone(objects) as _,
        account: options.account.to_ascii_uppercase(),
        strict_trust: options.strict_trust,
    })?)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| ServeError::Listen { address, error })
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, ServeError> {
    listener.local_addr().map_err(|error| ServeError::Listen {
        address: (Ipv4Addr::UNSPECIFIED, 0).into(),
        error,
    })
}

/// A new folder is its owner's only: it will hold data and keys.
fn make_private(dir: &std::path::Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Two servers on one folder would each overwrite what the other has acknowledged.
fn lock(dir: &std::path::Path) -> Result<std::fs::File, ServeError> {
    let lock = || {
        make_private(dir)?;
        let file = std::fs::File::create(dir.join("lock"))?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => io::Error::other(
                "it is in use by another Snowglobe: stop that one, or choose another folder",
            ),
            std::fs::TryLockError::Error(error) => error,
        })?;
        Ok(file)
    };
    lock().map_err(|error| ServeError::Data {
        path: dir.to_owned(),
        error,
    })
}

fn data_error(options: &Options, error: io::Error) -> ServeError {
    ServeError::Data {
        path: options.data.clone().unwrap_or_default(),
        error,
    }
}

fn store(options: &Options) -> Result<Store, ServeError> {
    let store = match &options.data {
        Some(dir) => Store::open(&dir.join("s3")).map_err(|error| data_error(options, error))?,
        None => Store::in_memory(),
    };
    for bucket in &options.buckets {
        match store.create_bucket(bucket) {
            Ok(()) | Err(s3::StoreError::BucketAlreadyOwnedByYou(_)) => {}
            Err(error) => return Err(data_error(options, error.into())),
        }
    }
    Ok(store)
}

/// Carries S3's events to the pipes.
fn courier(faults: &Arc<Faults>, engine: &Engine, objects: &Arc<Store>) -> io::Result<Courier> {
    let engine = engine.clone();
    let announced = Arc::clone(objects);
    let courier = Courier::start(Arc::clone(faults), move |event| {
        engine.notify_object_created(&event.bucket, &event.key, event.size, &event.etag);
        announced.announced(event);
    })?;
    objects.listen(courier.sender());
    Ok(courier)
}

async fn s3_answer(service: s3s::service::S3Service, request: Request<Body>) -> Response<Body> {
    match service.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            log::error!("S3: {error:?}");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// Serves connections until it is told to stop.
async fn accept<F>(
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
    faults: Arc<Faults>,
    service: Service,
    answer: impl Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: connections that end make room.
                    log::warn!("a connection is not accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = stopped.changed() => break,
        };
        if let Err(error) = stream.set_nodelay(true) {
            log::debug!("TCP_NODELAY: {error}");
        }
        let (faults, answer) = (Arc::clone(&faults), answer.clone());
        let handler = tower::service_fn(move |request: Request<Incoming>| {
            let (faults, answer) = (Arc::clone(&faults), answer.clone());
            let body = |body| Body::new(Drained::new(body));
            async move { around(&faults, service, request.map(body), answer).await }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_WAIT);
        let connection = builder
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(handler))
            .into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                match error.downcast_ref::<Cut>() {
                    Some(cut) => log::info!("{cut}"),
                    None => log::debug!("a connection ended: {error}"),
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_WAIT, graceful.shutdown())
        .await
        .is_err()
    {
        log::warn!("calls that took longer than {STOP_WAIT:?} to end were cut off");
    }
}
