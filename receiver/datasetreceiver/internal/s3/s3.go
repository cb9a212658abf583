// Package s3 opens buckets of Amazon S3, and of what speaks its protocol.
package s3

import (
	"context"
	"errors"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob/s3blob"

	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// Open opens s3://bucket/folder. The credentials are those of the AWS tools:
// environment, profile, web identity, or the machine's role. What the url asks for
// is passed on: region, endpoint, use_path_style, profile, anonymous, and others of
// gocloud.dev.
func Open(ctx context.Context, u *url.URL, l place.Limits) (place.Place, error) {
	as, err := new(s3blob.URLOpener).OpenBucketURL(ctx, &url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: u.RawQuery})
	if err != nil {
		return nil, err
	}
	var asked *s3.Client
	as.As(&asked)
	// Objects without a checksum are no news: each would be a line on stderr.
	client := s3.New(asked.Options(), func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
	b, err := s3blob.OpenBucket(ctx, client, u.Host, nil)
	if err = errors.Join(err, as.Close()); err != nil {
		return nil, err
	}
	return place.OfBucket(b, u.Path, l), nil
}
