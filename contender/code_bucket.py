"""The bucket that CloudFormation reads from: Lambda code, and templates too large for a request.

It is made by the first deployment, outside every stack, and everything in it is named after its content.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import DeploymentError


class CodeBucket:
    """One project's, in one account and region; private and for TLS only."""

    def __init__(self, s3: Any, name: str, account: str, region: str) -> None:
        self._s3 = s3
        self.name = name
        self._account = account
        self._region = region

    def exists(self) -> bool:
        """Whether it is there. Its name can be guessed: DeploymentError where somebody else was faster.

        Whoever made it in an account of theirs would change what our Lambdas run.
        """
        try:
            self._s3.head_bucket(**self._ours)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            code_word = error.response["Error"]["Code"]
            raise DeploymentError(
                f"bucket {self.name} is not ours to use ({code_word}): choose another project"
            ) from error
        return True

    def put(self, key: str, body: bytes) -> None:
        """Keep `body`; the bucket is made if absent. A key names its content: what is there already stays."""
        if not self.exists():
            self._create()
        if not self._s3.list_objects_v2(**self._ours, Prefix=key).get("Contents"):
            self._s3.put_object(**self._ours, Key=key, Body=body)

    def url(self, key: str) -> str:
        """Where CloudFormation finds an object: at AWS's S3, or at the laptop's."""
        return f"{self._s3.meta.endpoint_url}/{self.name}/{key}"

    @property
    def _ours(self) -> dict[str, str]:
        return {"Bucket": self.name, "ExpectedBucketOwner": self._account}

    def _create(self) -> None:
        elsewhere = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
        self._s3.create_bucket(Bucket=self.name, **({"CreateBucketConfiguration": elsewhere} if elsewhere else {}))
        blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        self._s3.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
        arn = f"arn:{self._s3.meta.partition}:s3:::{self.name}"
        only_over_tls = {
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        self._s3.put_bucket_policy(
            Bucket=self.name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [only_over_tls]})
        )
