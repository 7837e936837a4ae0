"""The template of docker/ec2, linted, and then run against moto with its authorisation switched on.

`make test-ec2` makes the environment and calls it.
"""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json
from moto.core import DEFAULT_ACCOUNT_ID, set_initial_no_auth_action_count
from moto.ssm.models import ssm_backends

TEMPLATE = Path(__file__).parents[2] / "docker" / "ec2" / "firn.yaml"
REGION = "eu-central-1"
QUEUE = "sf-snowpipe-example"
SNOWFLAKE_USER = "arn:aws:iam::210987654321:user/externalstages/ci0001"
IMAGE = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"


def client(service, **credentials):
    return boto3.client(service, region_name=REGION, **credentials)


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        # Moto has Amazon's public parameters and not Canonical's, and lets nobody put one under /aws.
        image = client("ec2").describe_images()["Images"][0]["ImageId"]
        client("ssm").put_parameter(Name="/image", Value=image, Type="String")
        stored = ssm_backends[DEFAULT_ACCOUNT_ID][REGION]._parameters
        stored[IMAGE] = stored["/image"]
        yield


def parameters(**more):
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = client("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]["SubnetId"]
    values = {
        "BucketName": "firn-landing-test",
        "Prefix": "landing/",
        "VpcId": vpc,
        "SubnetId": subnet,
        "SourceUrl": "https://git.example.com/firn.git",
        **more,
    }
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def create(**more):
    """Makes the stack as step 1 of the page does; gives its outputs."""
    client("cloudformation").create_stack(
        StackName="firn", TemplateBody=TEMPLATE.read_text(), Parameters=parameters(**more), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return outputs()


def outputs():
    stack = client("cloudformation").describe_stacks(StackName="firn")["Stacks"][0]
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def resolved(name):
    """A resource's properties with references and conditions resolved, of which moto itself applies only some."""
    (stack,) = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION].stacks.values()
    return clean_json(json.loads(json.dumps(stack.template_dict["Resources"][name]["Properties"])), stack.resource_map)


def queue():
    url = client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"]
    return url, client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def instance_role():
    roles = client("iam").list_roles()["Roles"]
    return next(role["Arn"] for role in roles if "ec2.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"]))


def acting_as(resource, role_arn):
    """Credentials of the role, for moto to decide by the role's own policies."""
    name = role_arn.rpartition("/")[2]
    iam = client("iam")
    for policy in resolved(resource)["Policies"]:
        # Made by a stack they are kept in a form that moto's authorisation does not read; put by a caller they are.
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"]))
    answer = client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"] in ("AccessDenied", "403", "AccessDeniedException", "UnauthorizedOperation")


def test_cfn_lint_finds_nothing():
    lint = subprocess.run([Path(sys.executable).with_name("cfn-lint"), TEMPLATE], capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_the_first_run_makes_a_closed_bucket_and_names_what_bootstrap_needs(aws):
    told = create()
    assert told["StageUrl"] == "s3://firn-landing-test/landing/"
    assert told["SnowflakeRoleArn"].endswith(":role/firn-snowflake")
    s3 = client("s3")
    assert all(resolved("Bucket")["PublicAccessBlockConfiguration"].values())
    rule = s3.get_bucket_encryption(Bucket="firn-landing-test")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert "NotificationConfiguration" not in resolved("Bucket")
    statement = resolved("BucketPolicy")["PolicyDocument"]["Statement"][0]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["arn:aws:s3:::firn-landing-test", "arn:aws:s3:::firn-landing-test/*"]


def test_nothing_can_come_in_to_the_instance(aws):
    create()
    ec2 = client("ec2")
    groups = ec2.describe_security_groups(Filters=[{"Name": "description", "Values": ["Firn*"]}])["SecurityGroups"]
    assert [group["IpPermissions"] for group in groups] == [[]]
    assert resolved("Instance")["SecurityGroupIds"] == [groups[0]["GroupId"]]
    assert resolved("Instance")["MetadataOptions"]["HttpTokens"] == "required"


def test_what_snowflake_said_opens_the_role_to_it_and_new_files_notify_its_queue(aws):
    url, arn = queue()
    create(SnowflakeUserArn=SNOWFLAKE_USER, SnowflakeExternalId="FIRN_SFCRole=2_x", SnowpipeQueueArn=arn)
    trust = client("iam").get_role(RoleName="firn-snowflake")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"AWS": SNOWFLAKE_USER}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "FIRN_SFCRole=2_x"}}
    (rule,) = resolved("Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    wanted = {"QueueArn": rule["Queue"], "Events": [rule["Event"]], "Filter": {"Key": {"FilterRules": rule["Filter"]["S3Key"]["Rules"]}}}
    client("s3").put_bucket_notification_configuration(
        Bucket="firn-landing-test", NotificationConfiguration={"QueueConfigurations": [wanted]}
    )
    client("s3").put_object(Bucket="firn-landing-test", Key="landing/customer/a.csv", Body=b"x")
    client("s3").put_object(Bucket="firn-landing-test", Key="elsewhere/b.csv", Body=b"x")
    bodies = [json.loads(message["Body"]) for message in client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    keys = [unquote(record["s3"]["object"]["key"]) for body in bodies for record in body.get("Records", [])]
    assert keys == ["landing/customer/a.csv"]


def test_the_instance_may_write_and_look_and_snowflake_may_read_and_neither_may_more(aws):
    told = create()
    s3 = client("s3")
    s3.put_object(Bucket="firn-landing-test", Key="landing/customer/there.csv", Body=b"x")
    s3.put_object(Bucket="firn-landing-test", Key="elsewhere/there.csv", Body=b"x")
    client("ssm").put_parameter(Name="/another/secret", Value="k", Type="String")
    writer = acting_as("InstanceRole", instance_role())
    reader = acting_as("SnowflakeRole", told["SnowflakeRoleArn"])
    within = {"Bucket": "firn-landing-test", "Key": "landing/customer/there.csv"}
    without = {"Bucket": "firn-landing-test", "Key": "elsewhere/there.csv"}

    @set_initial_no_auth_action_count(0)
    def with_authorisation():
        ours, theirs = client("s3", **writer), client("s3", **reader)
        ours.put_object(**within, Body=b"y")
        ours.head_object(**within)
        assert refused(ours.put_object, **without, Body=b"y")
        assert refused(ours.delete_object, **within)
        # Moto asks for ssm:GetParameter on everything, so the parameter that is allowed is asserted below.
        assert refused(client("ssm", **writer).get_parameter, Name="/another/secret")
        assert refused(client("ec2", **writer).describe_instances)
        assert theirs.get_object(**within)["Body"].read() == b"y"
        assert refused(theirs.get_object, **without)
        assert refused(theirs.put_object, **within, Body=b"z")
        assert refused(theirs.delete_object, **within)
        assert refused(client("ssm", **reader).get_parameter, Name="/another/secret")

    with_authorisation()
    key = resolved("InstanceRole")["Policies"][1]["PolicyDocument"]["Statement"][0]
    assert key["Resource"] == f"arn:aws:ssm:{REGION}:{DEFAULT_ACCOUNT_ID}:parameter/firn/snowflake-private-key"
