"""Lints the template in docker/ec2 and runs it against moto, with authorisation enabled.

`make test-ec2` creates the environment and runs these tests.
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
        # Moto has Amazon's public parameters but not Canonical's, and its API rejects names that begin with /aws.
        image = client("ec2").describe_images()["Images"][0]["ImageId"]
        client("ssm").put_parameter(Name="/image", Value=image, Type="String")
        stored = ssm_backends[DEFAULT_ACCOUNT_ID][REGION]._parameters
        stored[IMAGE] = stored["/image"]
        yield


def parameters(**more):
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = client("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]["SubnetId"]
    values = {
        "BucketName": "firn-test",
        "Prefix": "events/",
        "VpcId": vpc,
        "SubnetId": subnet,
        "SourceUrl": "https://git.example.com/firn.git",
        **more,
    }
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def create(**more):
    """Creates the stack as step 3 of the README does, and returns its outputs."""
    client("cloudformation").create_stack(
        StackName="firn", TemplateBody=TEMPLATE.read_text(), Parameters=parameters(**more), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return outputs()


def outputs():
    stack = client("cloudformation").describe_stacks(StackName="firn")["Stacks"][0]
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def resolved(name):
    """The properties of a resource with references and conditions resolved; moto itself applies only some of them."""
    (stack,) = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION].stacks.values()
    return clean_json(json.loads(json.dumps(stack.template_dict["Resources"][name]["Properties"])), stack.resource_map)


def queue():
    url = client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"]
    return url, client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def instance_role():
    roles = client("iam").list_roles()["Roles"]
    return next(role["Arn"] for role in roles if "ec2.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"]))


def acting_as(resource, role_arn):
    """Credentials of the role, so that moto applies the policies of the role."""
    name = role_arn.rpartition("/")[2]
    iam = client("iam")
    for policy in resolved(resource)["Policies"]:
        # Moto's authorisation ignores policies that a stack creates, but not those that put_role_policy creates.
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"]))
    answer = client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


def is_denied(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"] in ("AccessDenied", "403", "AccessDeniedException", "UnauthorizedOperation")


def test_cfn_lint_finds_nothing():
    lint = subprocess.run([Path(sys.executable).with_name("cfn-lint"), TEMPLATE], capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_the_first_deployment_creates_a_private_bucket_and_outputs_what_bootstrap_needs(aws):
    stack = create()
    assert stack["StageUrl"] == "s3://firn-test/events/"
    assert stack["SnowflakeRoleArn"].endswith(":role/firn-snowflake")
    s3 = client("s3")
    assert all(resolved("Bucket")["PublicAccessBlockConfiguration"].values())
    rule = s3.get_bucket_encryption(Bucket="firn-test")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert "NotificationConfiguration" not in resolved("Bucket")
    statement = resolved("BucketPolicy")["PolicyDocument"]["Statement"][0]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["arn:aws:s3:::firn-test", "arn:aws:s3:::firn-test/*"]


def test_the_instance_accepts_no_inbound_connections(aws):
    create()
    ec2 = client("ec2")
    groups = ec2.describe_security_groups(Filters=[{"Name": "description", "Values": ["Firn*"]}])["SecurityGroups"]
    assert [group["IpPermissions"] for group in groups] == [[]]
    assert resolved("Instance")["SecurityGroupIds"] == [groups[0]["GroupId"]]
    assert resolved("Instance")["MetadataOptions"]["HttpTokens"] == "required"


def test_with_the_values_from_snowflake_it_can_assume_the_role_and_new_files_notify_its_queue(aws):
    url, arn = queue()
    create(SnowflakeUserArn=SNOWFLAKE_USER, SnowflakeExternalId="FIRN_SFCRole=2_x", SnowpipeQueueArn=arn)
    trust = client("iam").get_role(RoleName="firn-snowflake")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"AWS": SNOWFLAKE_USER}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "FIRN_SFCRole=2_x"}}
    (rule,) = resolved("Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    queue_configuration = {
        "QueueArn": rule["Queue"],
        "Events": [rule["Event"]],
        "Filter": {"Key": {"FilterRules": rule["Filter"]["S3Key"]["Rules"]}},
    }
    client("s3").put_bucket_notification_configuration(
        Bucket="firn-test", NotificationConfiguration={"QueueConfigurations": [queue_configuration]}
    )
    client("s3").put_object(Bucket="firn-test", Key="events/customer/a.csv", Body=b"x")
    client("s3").put_object(Bucket="firn-test", Key="other/b.csv", Body=b"x")
    bodies = [
        json.loads(message["Body"]) for message in client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    ]
    keys = [unquote(record["s3"]["object"]["key"]) for body in bodies for record in body.get("Records", [])]
    assert keys == ["events/customer/a.csv"]


def test_the_instance_may_only_write_and_check_files_and_snowflake_may_only_read_them(aws):
    stack = create()
    s3 = client("s3")
    s3.put_object(Bucket="firn-test", Key="events/customer/old.csv", Body=b"x")
    s3.put_object(Bucket="firn-test", Key="other/old.csv", Body=b"x")
    client("ssm").put_parameter(Name="/another/secret", Value="k", Type="String")
    writer = acting_as("InstanceRole", instance_role())
    reader = acting_as("SnowflakeRole", stack["SnowflakeRoleArn"])
    inside = {"Bucket": "firn-test", "Key": "events/customer/old.csv"}
    outside = {"Bucket": "firn-test", "Key": "other/old.csv"}

    @set_initial_no_auth_action_count(0)
    def with_authorisation():
        instance, snowflake = client("s3", **writer), client("s3", **reader)
        instance.put_object(**inside, Body=b"y")
        instance.head_object(**inside)
        assert is_denied(instance.put_object, **outside, Body=b"y")
        assert is_denied(instance.delete_object, **inside)
        # Moto requires ssm:GetParameter on all resources, so the test asserts the allowed parameter below.
        assert is_denied(client("ssm", **writer).get_parameter, Name="/another/secret")
        assert is_denied(client("ec2", **writer).describe_instances)
        assert snowflake.get_object(**inside)["Body"].read() == b"y"
        assert is_denied(snowflake.get_object, **outside)
        assert is_denied(snowflake.put_object, **inside, Body=b"z")
        assert is_denied(snowflake.delete_object, **inside)
        assert is_denied(client("ssm", **reader).get_parameter, Name="/another/secret")

    with_authorisation()
    key = resolved("InstanceRole")["Policies"][1]["PolicyDocument"]["Statement"][0]
    assert key["Resource"] == f"arn:aws:ssm:{REGION}:{DEFAULT_ACCOUNT_ID}:parameter/firn/snowflake-private-key"


def test_no_managed_policy_widens_what_the_instance_may_read(aws):
    create()
    role = resolved("InstanceRole")
    assert "ManagedPolicyArns" not in role
    readable = [
        statement["Resource"]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "ssm:Get" in str(statement["Action"]) or "*" in str(statement["Action"])
    ]
    assert len(readable) == 1
    assert readable[0].endswith(":parameter/firn/snowflake-private-key")
