"""Puts the files of a folder into a new bucket of an S3 server.

    s3.py http://127.0.0.1:5000 bucket folder
"""
import os, sys
import boto3

endpoint, bucket, folder = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
s3.create_bucket(Bucket=bucket)
for at, _, names in os.walk(folder):
    for name in names:
        path = os.path.join(at, name)
        s3.upload_file(path, bucket, os.path.relpath(path, folder))
