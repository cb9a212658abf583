package testbed

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// onWire is a message of protobuf in a field of another, and so on outwards.
func onWire(inner []byte, fields ...protowire.Number) []byte {
	for _, f := range fields {
		inner = protowire.AppendBytes(protowire.AppendTag(nil, f, protowire.BytesType), inner)
	}
	return inner
}

// pair is a key with a value of OTLP.
func pair(key string, value []byte) []byte {
	return append(onWire([]byte(key), 1), onWire(value, 2)...)
}

func asText(s string) []byte { return onWire([]byte(s), 1) }

// members is a map of OTLP as a value.
func members(pairs ...[]byte) []byte {
	var all []byte
	for _, p := range pairs {
		all = append(all, onWire(p, 1)...)
	}
	return onWire(all, 6)
}

// monitorRow is a record of a BentoML monitor with its schema and a column x.
func monitorRow(x []byte) []byte {
	column := members(pair("name", asText("x")), pair("role", asText("feature")), pair("type", asText("numerical")))
	meta := members(pair("monitor_name", asText("hostile")), pair("schema", onWire(onWire(column, 1), 5)))
	return onWire(onWire(members(pair("request_id", asText("1")), pair("x", x), pair("bento_meta", meta)), 5), 2)
}

// deepValue is a value in lists in lists, as deep as so many bytes allow.
func deepValue(size int) []byte {
	var parts [][]byte
	length := 0
	for length < size {
		for _, field := range []protowire.Number{1, 5} {
			head := protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.BytesType), uint64(length))
			parts = append(parts, head)
			length += len(head)
		}
	}
	b := make([]byte, 0, length)
	for i := len(parts) - 1; i >= 0; i-- {
		b = append(b, parts[i]...)
	}
	return b
}

// zippedBody sends a body with gzip, so that little comes over the wire.
func zippedBody(t *testing.T, h hostile) hostile {
	t.Helper()
	h.encoding = "gzip"
	h.body = packed(t, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) }, h.body, 1)
	return h
}

// hostileRequests are requests of OTLP's logs of which small bytes stand for much.
func hostileRequests(t *testing.T) []hostile {
	t.Helper()
	const (
		path        = "/v1/logs"
		proto, json = "application/x-protobuf", "application/json"
		most        = 20<<20 - 100
	)
	refused, tooLarge, well := []int{http.StatusBadRequest}, []int{http.StatusRequestEntityTooLarge}, []int{http.StatusOK}
	times := func(message []byte, size int) []byte { return bytes.Repeat(message, size/len(message)) }
	number := []byte{0x18, 1}
	row := monitorRow(onWire(times(onWire(number, 1), 4*16_384), 5))
	inText := func(values int) []byte {
		s := "{'request_id': '1', 'x': [" + strings.Repeat("1,", values) + "], 'bento_meta': {'monitor_name': 'hostile', 'schema': [{'name': 'x', 'role': 'feature'}]}}"
		return onWire(onWire(asText(s), 5), 2)
	}
	inJSON := func(records string) []byte {
		return []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[` + records + `]}]}]}`)
	}
	var all []hostile
	for _, h := range []hostile{
		{name: "records of two bytes", media: proto, body: onWire(times([]byte{0x12, 0}, most), 2, 1), statuses: tooLarge, says: "max_rows"},
		{name: "resources of two bytes", media: proto, body: times([]byte{0x0a, 0}, most), statuses: tooLarge, says: "max_in_flight_mib"},
		{name: "attributes of two bytes", media: proto, body: onWire(times([]byte{0x32, 0}, most), 2, 2, 1), statuses: tooLarge, says: "max_in_flight_mib"},
		{name: "as many attributes as may be", media: proto, body: onWire(times([]byte{0x32, 0}, most*3/4), 2, 2, 1), statuses: refused, says: "every row was refused"},
		{name: "a fifth of that, from many", media: proto, body: onWire(times([]byte{0x32, 0}, most/10), 2, 2, 1), statuses: refused, says: "every row was refused", clients: 30},
		{name: "records as many as may be, from many", media: proto, body: onWire(times([]byte{0x12, 0}, 200_000), 2, 1), statuses: refused, says: "every row was refused", clients: 30},
		{name: "lists of numbers", media: proto, body: onWire(times(row, most/3), 2, 1), statuses: well},
		{name: "values within values", media: proto, body: onWire(deepValue(most), 5, 2, 2, 1), statuses: refused, says: "deep"},
		{name: "records within a group", media: proto, body: append([]byte{0xa3, 0x06, 0x08, 0x01}, times([]byte{0x0a, 0}, most)...), statuses: refused, says: "no ExportLogsServiceRequest"},
		{name: "lists of numbers in Python's text", media: proto, body: onWire(times(inText(16_384), most/5), 2, 1), statuses: well},
		{name: "records in JSON", media: json, body: inJSON(strings.Repeat("{},", most/3) + "{}"), statuses: tooLarge, says: "max_in_flight_mib"},
		{name: "records in JSON within a text", media: json, body: inJSON(`{"body":{"boolValue":"}},` + strings.Repeat("{},", most/3) + `"}}`), statuses: refused, says: "boolValue"},
		{name: "as many values in JSON as may be, from many", media: json, body: inJSON(strings.Repeat("0,", 1<<20-100) + "0"), statuses: append(tooLarge, refused...), clients: 30},
		{name: "values within values in JSON", media: json, body: bytes.Repeat([]byte(`{"arrayValue":{"values":[`), 1<<16), statuses: refused, says: "deep"},
	} {
		h.path = path
		all = append(all, zippedBody(t, h))
	}
	return all
}

// hostileEvents are events of inference servers, likewise.
func hostileEvents(t *testing.T) []hostile {
	t.Helper()
	refused, tooLarge, well := []int{http.StatusBadRequest}, []int{http.StatusRequestEntityTooLarge}, []int{http.StatusOK}
	event := func(id, data string) string {
		return `{"specversion":"1.0","id":` + strconv.Quote(id) + `,"type":"org.kubeflow.serving.inference.request","inferenceservicename":"hostile","data":` + data + `}`
	}
	numbers := func(n int) string { return `{"instances":[` + strings.Repeat("1,", n) + `1]}` }
	const one, batch = "application/cloudevents+json", "application/cloudevents-batch+json"
	var all []hostile
	for _, h := range []hostile{
		{name: "numbers without number", media: one, body: []byte(event("a", numbers(10_000_000))), statuses: append(tooLarge, refused...)},
		{name: "as many numbers as may be, from many", media: one, body: []byte(event("b", numbers(1<<20-100))), statuses: well, says: `"pending":1`, clients: 30},
		{name: "events without number", media: batch, body: []byte("[" + strings.Repeat("{},", 7_000_000) + "{}]"), statuses: append(tooLarge, refused...)},
		{name: "as many events as may be, from many", media: batch, body: []byte("[" + strings.Repeat("{},", 1<<20-100) + "{}]"), statuses: refused, says: "every row was refused", clients: 10},
		{name: "deep data", media: one, body: []byte(event("c", strings.Repeat("[", 1<<16))), statuses: refused, says: "deep"},
	} {
		h.path = "/v1/cloudevents"
		all = append(all, zippedBody(t, h))
	}
	return all
}

// Messages of which a few bytes stand for a value, or for a record, take no more
// memory than rows do.
func TestHostileMonitors(t *testing.T) { besiege(t, hostileRequests(t)) }

func TestHostileEvents(t *testing.T) { besiege(t, hostileEvents(t)) }
