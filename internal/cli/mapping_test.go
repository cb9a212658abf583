package cli

import (
	"os"
	"path/filepath"
	"testing"
)

const mappingConfig = `
receivers:
  prediction:
    mapping:
      id: PassengerId
      model: titanic
      columns: {Survived: actuals.survived, boat: ""}
      rest: features
      types: {features.Pclass: categorical}
    mappings:
      ship:
        rest: raw_inputs
  otlp: {protocols: {grpc: {}}}
`

const mappingRows = `{"id":"r","timestamp":"2018-01-01T00:00:00Z","features":{"age":41,"name":"O'Brien the Elder of the Hills","e":[1,2,3,4,5.5]},"predictions":{"proba":0.8,"p":{"a":0.5}}}
{"id":"s","features":{"age":null,"deep":[[1]]}}
{"id":"t","ages":3}
{"id":"u","timestamp":"soon"}
[1]
{"id":
{"id":"v"}
{"id":"w","features":{"age":3}}
`

func TestMappingTest(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("mine.yaml", mappingConfig)
	write("two.yaml", mappingConfig+"  prediction/other: {mapping: {rest: ignore}}\n")
	write("none.yaml", "receivers: {otlp: {}}\n")
	write("wrong.yaml", "receivers: {prediction: {mapping: {ids: x, rest: drop, labels: 7}}}\n")
	write("rows.ndjson", mappingRows)
	write("events.json", loanEvents)
	write("kserve.yaml", "receivers: {prediction: {mappings: {loans: {version: \"3\", positions: {instances: [age, children], predictions: [p]}}}}}\n")
	write("one.json", `[{"id":1,"actuals":{"y":true}}]`)

	goldenOf(t, mapped, "mapping-titanic", dir, "mapping", "test", "$DATA/titanic/reference.csv.gz", "--config", "$WORK/mine.yaml", "--rows", "2")
	goldenOf(t, mapped, "mapping-own", dir, "mapping", "test", "$WORK/one.json", "--config", "$WORK/mine.yaml", "--model", "ship", "--event", "ml.actual")
	goldenOf(t, mapped, "mapping-refused", dir, "mapping", "test", "$WORK/rows.ndjson", "--model", "m", "--rows", "10")
	goldenOf(t, mapped, "mapping-events", dir, "mapping", "test", "$WORK/events.json", "--config", "$WORK/kserve.yaml", "--rows", "10")
	goldenOf(t, mapped, "mapping-plain", dir, "mapping", "test", "$DATA/titanic/reference.csv.gz", "--rows", "1")
	goldenOf(t, mapped, "mapping-error-two", dir, "mapping", "test", "$WORK/one.json", "--config", "$WORK/two.yaml")
	goldenOf(t, mapped, "mapping-error-none", dir, "mapping", "test", "$WORK/one.json", "--config", "$WORK/none.yaml")
	goldenOf(t, mapped, "mapping-error-other", dir, "mapping", "test", "$WORK/one.json", "--config", "$WORK/two.yaml", "--receiver", "prediction/others")
	goldenOf(t, mapped, "mapping-receiver", dir, "mapping", "test", "$WORK/one.json", "--config", "$WORK/two.yaml", "--receiver", "prediction/other", "--model", "m")
	goldenOf(t, mapped, "mapping-error-wrong", dir, "mapping", "test", "$WORK/one.json", "--config", "$WORK/wrong.yaml")
	goldenOf(t, mapped, "mapping-error-event", dir, "mapping", "test", "$WORK/one.json", "--event", "ml.labelled")
	goldenOf(t, mapped, "mapping-error-rows", dir, "mapping", "test", "$WORK/one.json", "--rows", "0")
}
