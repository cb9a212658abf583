package full

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	gcaws "gocloud.dev/aws"

	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/s3"
)

// ofS3 are what a url asks of the client of S3 alone.
var ofS3 = []string{"use_path_style", "s3ForcePathStyle", "accelerate", "disable_https"}

// openGlue opens the place of a table in the catalogue of AWS Glue:
// glue://database/table?region=…. Where the table lies and what its files are is
// asked for at each run, since a crawler may have found it elsewhere.
func openGlue(ctx context.Context, u *url.URL, l place.Limits) (place.Place, error) {
	query := u.Query()
	for _, key := range ofS3 {
		query.Del(key)
	}
	cfg, err := gcaws.V2ConfigFromURLParams(ctx, query)
	if err != nil {
		return nil, err
	}
	name := strings.Trim(u.Path, "/")
	answer, err := glue.NewFromConfig(cfg).GetTable(ctx, &glue.GetTableInput{DatabaseName: &u.Host, Name: &name})
	if err != nil {
		return nil, fmt.Errorf("the catalogue does not tell of the table %s in the database %s: %w", name, u.Host, err)
	}
	location, format, metadata, err := described(answer.Table)
	if err != nil {
		return nil, fmt.Errorf("the table %s in the database %s %w", name, u.Host, err)
	}
	where, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(where.Scheme, "s3") || where.Host == "" {
		return nil, fmt.Errorf("the table %s in the database %s lies at %q, and only s3://bucket/folder can be read", name, u.Host, location)
	}
	p, err := s3.Open(ctx, &url.URL{Scheme: "s3", Host: where.Host, Path: where.Path, RawQuery: u.RawQuery}, l)
	if err != nil {
		return nil, err
	}
	return table{p, format, metadata}, nil
}

// table is a place whose catalogue says what its files are.
type table struct {
	place.Place
	format   string
	metadata string
}

// Format implements place.Formatted.
func (t table) Format() string { return t.format }

// Metadata implements place.Catalogued.
func (t table) Metadata() string { return t.metadata }

// described returns where a table lies and what its files are: parquet, csv or
// json, delta or iceberg, and of the last which of them says what the table is.
func described(t *types.Table) (location, format, metadata string, err error) {
	parameters, serde := map[string]string{}, ""
	maps.Copy(parameters, t.Parameters)
	if s := t.StorageDescriptor; s != nil {
		location = text(s.Location)
		maps.Copy(parameters, s.Parameters)
		if s.SerdeInfo != nil {
			serde = text(s.SerdeInfo.SerializationLibrary)
			if path := s.SerdeInfo.Parameters["path"]; path != "" && (location == "" || strings.HasSuffix(location, placeholder)) {
				location = path
			}
			maps.Copy(parameters, s.SerdeInfo.Parameters)
		}
	}
	// A table of Delta Lake or Iceberg has the serde of Parquet, too.
	kind := strings.ToLower(strings.Join([]string{parameters["table_type"], parameters["spark.sql.sources.provider"], parameters["classification"], serde}, " "))
	switch {
	case strings.Contains(kind, "iceberg"):
		// The location of the table may be another than that of its metadata, which is the newest.
		at := strings.LastIndex(parameters["metadata_location"], "/metadata/")
		if at < 0 {
			return "", "", "", fmt.Errorf("is an Iceberg table whose metadata_location=%q is not below a folder metadata", parameters["metadata_location"])
		}
		return parameters["metadata_location"][:at], "iceberg", parameters["metadata_location"][at+1:], nil
	case location == "":
		return "", "", "", errors.New("has no location; views cannot be read")
	case strings.Contains(kind, "hudi"):
		return "", "", "", errors.New("is one of Apache Hudi, which is not supported; Parquet, CSV, JSON, Delta Lake and Iceberg are")
	case strings.Contains(kind, "delta"):
		return location, "delta", "", nil
	case strings.Contains(kind, "parquet"):
		return location, "parquet", "", nil
	case strings.Contains(kind, "csv") && parameters["skip.header.line.count"] != "1" && parameters["header"] != "true":
		// The catalogue has the names then, and the first line would be taken for them.
		return "", "", "", errors.New("has CSV files without a first line of names (skip.header.line.count is not 1); if they have one, write the location as url, and format: csv")
	case strings.Contains(kind, "csv"):
		return location, "csv", "", nil
	case strings.Contains(kind, "json"):
		return location, "json", "", nil
	}
	return "", "", "", fmt.Errorf("does not say its format (classification=%q, serde=%q); write the location as url, and format", parameters["classification"], serde)
}

// placeholder ends the location of tables that Spark writes and Hive cannot read:
// theirs is the path among the parameters of the serde.
const placeholder = "-__PLACEHOLDER__"

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
