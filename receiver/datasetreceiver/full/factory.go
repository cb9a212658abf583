// Package full is the dataset receiver with all places that it can read from. It
// is a package of its own since the clients of Azure, Google Cloud and AWS Glue cost more to
// build than the rest of the receiver.
package full

import (
	"context"
	"net/url"

	"go.opentelemetry.io/collector/receiver"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://container
	_ "gocloud.dev/blob/gcsblob"   // gs://bucket

	"github.com/driftmeter/driftmeter/receiver/datasetreceiver"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// NewFactory returns the receiver factory.
func NewFactory() receiver.Factory {
	return datasetreceiver.NewFactoryWith(map[string]place.Opener{"gs": open, "azblob": open, "glue": openGlue})
}

// open opens a bucket as gocloud.dev does: with the credentials of the vendor's
// tools, and what the url asks for.
func open(ctx context.Context, u *url.URL, l place.Limits) (place.Place, error) {
	b, err := blob.DefaultURLMux().OpenBucketURL(ctx, &url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: u.RawQuery})
	if err != nil {
		return nil, err
	}
	return place.OfBucket(b, u.Path, l), nil
}
