package otelml

import (
	"fmt"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// ProfileEvent is the event of parcels: what profile processors send to
// modelmetrics.
const ProfileEvent = "ml.profile"

// Attributes of a parcel, below the prefix "ml.".
const (
	attrModel    = DefaultPrefix + modelName
	attrVersion  = DefaultPrefix + modelVersion
	attrKind     = "ml.profile.kind"
	attrInstance = "ml.profile.instance"
	attrSequence = "ml.profile.sequence"
	attrLayout   = "ml.profile.layout"
	attrStart    = "ml.window.start"
	attrEnd      = "ml.window.end"
)

// Scope names the instrumentation scope of everything that Driftmeter emits.
const Scope = "github.com/driftmeter/driftmeter"

// Parcels writes parcels as log records, the body of each in bytes.
func Parcels(instance string, parcels []store.Parcel) plog.Logs {
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	sl.Scope().SetName(Scope)
	sl.LogRecords().EnsureCapacity(len(parcels))
	for i := range parcels {
		p := &parcels[i]
		lr := sl.LogRecords().AppendEmpty()
		lr.SetEventName(ProfileEvent)
		lr.SetTimestamp(pcommon.Timestamp(p.End))
		a := lr.Attributes()
		a.PutStr(attrModel, p.Model)
		a.PutStr(attrVersion, p.Version)
		a.PutStr(attrKind, p.Kind)
		a.PutStr(attrInstance, instance)
		a.PutStr(attrSequence, strconv.FormatUint(p.Seq, 10))
		a.PutStr(attrLayout, p.Layout)
		a.PutInt(attrStart, p.Start)
		a.PutInt(attrEnd, p.End)
		lr.Body().SetEmptyBytes().FromRaw(p.Body)
	}
	return ld
}

// ReadParcels reads parcels. Records that are none are refused. Bodies are
// copied: before pdata v1.68 copies of a batch share them.
func ReadParcels(ld plog.Logs, refuse func(record.Refusal)) []evaluate.Parcel {
	var parcels []evaluate.Parcel
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				p, err := readParcel(lr)
				if err != nil {
					refuse(*err)
					continue
				}
				parcels = append(parcels, p)
			}
		}
	}
	return parcels
}

func readParcel(lr plog.LogRecord) (evaluate.Parcel, *record.Refusal) {
	var p evaluate.Parcel
	if lr.EventName() != ProfileEvent {
		return p, &record.Refusal{Reason: record.NotAPrediction, Key: lr.EventName(),
			Detail: "modelmetrics reads ml.profile events; put the profile processor into its pipeline"}
	}
	var sequence string
	for k, v := range lr.Attributes().All() {
		switch k {
		case attrModel:
			p.Model = v.Str()
		case attrVersion:
			p.Version = v.Str()
		case attrKind:
			p.Kind = v.Str()
		case attrInstance:
			p.Instance = v.Str()
		case attrSequence:
			sequence = v.Str()
		case attrLayout:
			p.Layout = v.Str()
		case attrStart:
			p.Start = v.Int()
		case attrEnd:
			p.End = v.Int()
		}
	}
	seq, err := strconv.ParseUint(sequence, 10, 64)
	if err != nil || p.Model == "" || p.Instance == "" || lr.Body().Type() != pcommon.ValueTypeBytes {
		return p, &record.Refusal{Reason: record.Corrupt, Key: p.Model, Detail: fmt.Sprintf(
			"ml.profile needs %s, %s, %s (found %q) and a body of bytes", attrModel, attrInstance, attrSequence, sequence)}
	}
	p.Seq = seq
	p.Body = append([]byte(nil), lr.Body().Bytes().AsRaw()...)
	return p, nil
}
