"""What users of each library would write: nothing of it names a credential. The URL of the S3 is the first argument."""

from __future__ import annotations

from typing import Final

BOTO3: Final = """\
import boto3, sys
print(boto3.client("s3", endpoint_url=sys.argv[1]).list_objects_v2(Bucket="bkt")["KeyCount"])
"""
S3FS: Final = """\
import s3fs, sys
print(s3fs.S3FileSystem(endpoint_url=sys.argv[1]).ls("bkt"))
"""
ARROW: Final = """\
import os, sys
from pyarrow import fs
host = sys.argv[1].removeprefix("http://")
print(len(fs.S3FileSystem(endpoint_override=host, scheme="http").get_file_info(fs.FileSelector("bkt"))), flush=True)
os._exit(0)  # its threads do not always end
"""
OBSTORE: Final = """\
import sys
from obstore.store import S3Store
print(len(S3Store("bkt", endpoint=sys.argv[1], client_options={"allow_http": True}).list().collect()))
"""
ICECHUNK: Final = """\
import icechunk, sys
where = dict(endpoint_url=sys.argv[1], allow_http=True, force_path_style=True, region="us-east-1", from_env=True)
try:
    print(icechunk.Repository.exists(icechunk.s3_storage(bucket="bkt", prefix="x", **where)))
except icechunk.IcechunkError as exc:
    assert "cannot serialize ref json" in str(exc)  # our S3 says hello where a repository would be
"""
OPENDAL: Final = """\
import opendal, sys
operator = opendal.Operator("s3", bucket="bkt", endpoint=sys.argv[1], region="us-east-1")
print(sum(1 for _ in operator.list("/")))
"""
CRT: Final = """\
import sys, urllib.request
from awscrt import auth, http, io
group = io.EventLoopGroup(1)
chain = auth.AwsCredentialsProvider.new_default_chain(io.ClientBootstrap(group, io.DefaultHostResolver(group)))
host = sys.argv[1].removeprefix("http://")
asked = http.HttpRequest("GET", "/bkt?list-type=2", http.HttpHeaders([("Host", host)]))
how = auth.AwsSigningConfig(service="s3", region="us-east-1", credentials_provider=chain)
signed = auth.aws_sign_request(asked, how).result(30)
print(urllib.request.urlopen(urllib.request.Request(sys.argv[1] + signed.path, headers=dict(signed.headers))).status)
"""
MINIO: Final = """\
import os, sys
from minio import Minio
from minio.credentials import IamAwsProvider
who = IamAwsProvider(custom_endpoint=os.environ.get("AWS_ENDPOINT_URL_STS"))
print(len(list(Minio(endpoint=sys.argv[1].removeprefix("http://"), secure=False, credentials=who,
    region="us-east-1").list_objects("bkt"))))
"""
JAVASCRIPT: Final = """\
const {S3Client, ListObjectsV2Command} = require('@aws-sdk/client-s3')
const client = new S3Client({endpoint: process.argv[1], forcePathStyle: true})
client.send(new ListObjectsV2Command({Bucket: 'bkt'})).then(
  (listed) => console.log(listed.KeyCount),
  (error) => { console.error(error.name + ': ' + error.message); process.exit(1) })
"""

# The same, and once more when the credentials of before have ended: by one client, which has to ask again by itself.
BOTO3_TWICE: Final = """\
import boto3, sys, time
client = boto3.client("s3", endpoint_url=sys.argv[1])
print(client.list_objects_v2(Bucket="bkt")["KeyCount"])
time.sleep(5)
print(client.list_objects_v2(Bucket="bkt")["KeyCount"])
"""
JAVASCRIPT_TWICE: Final = """\
const {S3Client, ListObjectsV2Command} = require('@aws-sdk/client-s3')
const client = new S3Client({endpoint: process.argv[1], forcePathStyle: true})
const list = () => client.send(new ListObjectsV2Command({Bucket: 'bkt'}))
list().then(() => new Promise((wake) => setTimeout(wake, 5000))).then(list).then(
  (listed) => console.log(listed.KeyCount),
  (error) => { console.error(error.name + ': ' + error.message); process.exit(1) })
"""
OBSTORE_TWICE: Final = """\
import sys, time
from obstore.store import S3Store
store = S3Store("bkt", endpoint=sys.argv[1], client_options={"allow_http": True})
print(len(store.list().collect()))
time.sleep(5)
print(len(store.list().collect()))
"""
ICECHUNK_TWICE: Final = """\
import icechunk, sys, time
where = dict(endpoint_url=sys.argv[1], allow_http=True, force_path_style=True, region="us-east-1", from_env=True)
storage = icechunk.s3_storage(bucket="bkt", prefix="x", **where)
for pause in (5, 0):
    try:
        print(icechunk.Repository.exists(storage))
    except icechunk.IcechunkError as exc:
        assert "cannot serialize ref json" in str(exc)  # our S3 says hello where a repository would be
    time.sleep(pause)
"""
ARROW_TWICE: Final = """\
import os, sys, time
from pyarrow import fs
files = fs.S3FileSystem(endpoint_override=sys.argv[1].removeprefix("http://"), scheme="http")
print(len(files.get_file_info(fs.FileSelector("bkt"))))
time.sleep(5)
print(len(files.get_file_info(fs.FileSelector("bkt"))), flush=True)
os._exit(0)  # its threads do not always end
"""
