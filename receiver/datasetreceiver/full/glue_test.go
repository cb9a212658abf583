package full

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/blob"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// lake is a server that speaks the protocols of S3 and AWS Glue, with a bucket and a
// database.
type lake struct {
	t       *testing.T
	address string // with its scheme
	bucket  *blob.Bucket
	glue    *glue.Client
}

func newLake(t *testing.T) *lake {
	moto, err := servers.StartMoto("../../../dist/moto")
	check(t, err)
	t.Cleanup(moto.Stop)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	l := &lake{t: t, address: moto.URL}
	cfg, err := gcaws.V2ConfigFromURLParams(t.Context(), url.Values{"region": {"us-east-1"}, "endpoint": {moto.URL}})
	check(t, err)
	_, err = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: ptr("lake")})
	check(t, err)
	l.bucket, err = blob.OpenBucket(t.Context(), "s3://lake"+l.query())
	check(t, err)
	t.Cleanup(func() { _ = l.bucket.Close() })
	l.glue = glue.NewFromConfig(cfg)
	_, err = l.glue.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: ptr("scores")}})
	check(t, err)
	return l
}

// query is what a url needs to reach it.
func (l *lake) query() string {
	return "?region=us-east-1&use_path_style=true&endpoint=" + l.address
}

func (l *lake) write(name string, content []byte) {
	l.t.Helper()
	check(l.t, l.bucket.WriteAll(l.t.Context(), name, content, nil))
}

// table makes one of the catalogue.
func (l *lake) table(name, location string, parameters map[string]string, serde *types.SerDeInfo) {
	l.t.Helper()
	_, err := l.glue.CreateTable(l.t.Context(), &glue.CreateTableInput{DatabaseName: ptr("scores"), TableInput: &types.TableInput{Name: &name,
		TableType: ptr("EXTERNAL_TABLE"), Parameters: parameters, StorageDescriptor: &types.StorageDescriptor{Location: &location, SerdeInfo: serde}}})
	check(l.t, err)
}

// serde is one, with its parameters in pairs.
func serde(library string, parameters ...string) *types.SerDeInfo {
	s := &types.SerDeInfo{SerializationLibrary: &library, Parameters: map[string]string{}}
	for i := 0; i < len(parameters); i += 2 {
		s.Parameters[parameters[i]] = parameters[i+1]
	}
	return s
}

func TestWhatTablesSay(t *testing.T) {
	in := func(parameters map[string]string, serde string) *types.Table {
		return &types.Table{Parameters: parameters, StorageDescriptor: &types.StorageDescriptor{Location: ptr("s3://b/x"), SerdeInfo: &types.SerDeInfo{SerializationLibrary: &serde}}}
	}
	for _, c := range []struct {
		table *types.Table
		want  string
	}{
		{in(map[string]string{"classification": "parquet"}, ""), "parquet"},
		{in(nil, "org.openx.data.jsonserde.JsonSerDe"), "json"},
		{in(map[string]string{"classification": "csv", "skip.header.line.count": "1"}, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"), "csv"},
		{in(map[string]string{"classification": "csv"}, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"), "without a first line of names"},
		{in(map[string]string{"spark.sql.sources.provider": "csv", "header": "true"}, ""), "csv"},
		{in(map[string]string{"spark.sql.sources.provider": "delta", "classification": "parquet"}, ""), "delta"},
		{in(map[string]string{"table_type": "ICEBERG", "classification": "parquet"}, ""), "metadata_location"},
		{in(map[string]string{"table_type": "ICEBERG", "metadata_location": "s3://b/t/metadata/00001-x.metadata.json"}, ""), "iceberg"},
		{in(map[string]string{"classification": "hudi"}, ""), "Hudi"},
		{in(nil, "org.apache.hadoop.hive.ql.io.orc.OrcSerde"), "does not say its format"},
		{&types.Table{}, "has no location"},
	} {
		_, got, _, err := described(c.table)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func ptr(s string) *string { return &s }
