package place

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Limits bound what a file in a bucket costs here.
type Limits struct {
	File      int64  // bytes of one
	Directory string // where it is copied to
}

// Opener opens the place that a url names.
type Opener func(context.Context, *url.URL, Limits) (Place, error)

// elsewhere are schemes that other builds know.
var elsewhere = map[string]string{"gs": "Google Cloud Storage", "azblob": "Azure Blob Storage", "s3": "Amazon S3", "glue": "the catalogue of AWS Glue"}

// others are what people write for them.
var others = map[string]string{"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfs": "azblob", "abfss": "azblob", "wasb": "azblob", "wasbs": "azblob", "az": "azblob", "adl": "azblob"}

// parse takes a url apart. A path of this machine has no scheme.
func parse(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		return &url.URL{Scheme: "file", Path: s}, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("is no url such as s3://bucket/folder?region=eu-central-1")
	}
	return u, nil
}

// Check tells what is wrong with a url without opening it.
func Check(s string, openers map[string]Opener) error {
	u, err := parse(s)
	if err != nil {
		return err
	}
	switch {
	case u.Scheme == "file" && u.Host != "":
		return fmt.Errorf("names the host %q; a folder of this machine has three slashes: file:///%s%s", u.Host, u.Host, u.Path)
	case u.Scheme == "file":
		return nil
	case u.User != nil:
		return errors.New("has a user in it; credentials come from the environment, as the vendor's tools have them")
	case openers[u.Scheme] != nil && u.Host == "":
		return errors.New("names no bucket")
	case openers[u.Scheme] != nil && escapes(u.Path):
		return errors.New("has .. in its path")
	case openers[u.Scheme] != nil:
		return nil
	}
	if known, ok := others[u.Scheme]; ok {
		return fmt.Errorf("has the scheme %s; write %s://bucket/folder", u.Scheme, known)
	}
	if what, ok := elsewhere[u.Scheme]; ok {
		return fmt.Errorf("names %s, which is not in this build; use driftmeter-full (builder-config-full.yaml), or take github.com/driftmeter/driftmeter/receiver/datasetreceiver/full into a build of your own", what)
	}
	return fmt.Errorf("has the unknown scheme %s; known: file, %s", u.Scheme, strings.Join(slices.Sorted(maps.Keys(openers)), ", "))
}

func escapes(p string) bool { return slices.Contains(strings.Split(p, "/"), "..") }

// Open opens the place that a url names, which Check has found to be right.
func Open(ctx context.Context, s string, openers map[string]Opener, l Limits) (Place, error) {
	if err := Check(s, openers); err != nil {
		return nil, err
	}
	u, err := parse(s)
	if err != nil {
		return nil, err
	}
	if folder, local := Folder(s); local {
		return OpenFolder(folder)
	}
	return openers[u.Scheme](ctx, u, l)
}

// Shown is a url for people, without what may be a secret.
func Shown(s string) string {
	u, err := parse(s)
	if err != nil || u.RawQuery == "" && u.User == nil {
		return s
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// Folder is the folder of this machine that a url names, if it names one.
func Folder(s string) (string, bool) {
	u, err := parse(s)
	if err != nil || u.Scheme != "file" {
		return "", false
	}
	return path.Clean(u.Path), true
}
