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

	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
	"github.com/driftmeter/driftmeter/testbed/servers"
)

// A table of the catalogue is found where it lies, with the format that the
// catalogue says.
func TestGlue(t *testing.T) {
	moto, err := servers.StartMoto("../../../dist/moto")
	check(t, err)
	defer moto.Stop()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	cfg, err := gcaws.V2ConfigFromURLParams(t.Context(), url.Values{"region": {"us-east-1"}, "endpoint": {moto.URL}})
	check(t, err)
	_, err = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: ptr("lake")})
	check(t, err)
	query := "?region=us-east-1&use_path_style=true&endpoint=" + moto.URL
	b, err := blob.OpenBucket(t.Context(), "s3://lake"+query)
	check(t, err)
	defer b.Close()
	check(t, b.WriteAll(t.Context(), "scores/fraud/dt=2026-01-01/part-0", []byte("x"), nil))
	check(t, b.WriteAll(t.Context(), "scores/other/part-0", []byte("x"), nil))
	client := glue.NewFromConfig(cfg)
	_, err = client.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: ptr("scores")}})
	check(t, err)
	for name, d := range map[string]*types.StorageDescriptor{
		"fraud": {Location: ptr("s3://lake/scores/fraud/"), SerdeInfo: &types.SerDeInfo{SerializationLibrary: ptr("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe")}},
		"hdfs":  {Location: ptr("hdfs://nodes/x"), Parameters: map[string]string{"classification": "csv"}},
	} {
		_, err = client.CreateTable(t.Context(), &glue.CreateTableInput{DatabaseName: ptr("scores"), TableInput: &types.TableInput{Name: &name, StorageDescriptor: d}})
		check(t, err)
	}
	at := func(name string) (place.Place, error) {
		u, err := url.Parse("glue://scores/" + name + query)
		check(t, err)
		return openGlue(t.Context(), u, place.Limits{File: 1 << 20})
	}
	p, err := at("fraud")
	check(t, err)
	defer p.Close()
	var found []string
	check(t, p.List(t.Context(), "", func(o place.Object) error {
		found = append(found, o.Path)
		return nil
	}, func(name string, err error) { t.Error(name, err) }))
	if f := p.(place.Formatted).Format(); f != "parquet" || strings.Join(found, " ") != "dt=2026-01-01/part-0" {
		t.Errorf("%s, %v", f, found)
	}
	for name, want := range map[string]string{"none": "does not tell of the table none in the database scores", "hdfs": `lies at "hdfs://nodes/x"`} {
		if _, err := at(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
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
		{in(map[string]string{"classification": "csv"}, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"), "csv"},
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
