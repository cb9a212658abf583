package am

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/silence/silencepb"
	"google.golang.org/protobuf/encoding/protodelim"
)

// openLogs reads the notification log and the silences, and has every change of
// them kept before it is answered.
//
// Alertmanager writes both every 15 minutes. That is for a cluster, whose members
// remember for one another; alone, a kill in between repeats notifications and
// loses silences. What it would send to the other members is what we keep.
func (e *Engine) openLogs(er eventrecorder.Recorder) error {
	longest := time.Duration(0)
	e.routes.Walk(func(r *dispatch.Route) { longest = max(longest, r.RouteOpts.RepeatInterval) })
	var err error
	e.nflog, err = nflog.New(nflog.Options{
		SnapshotReader: bytes.NewReader(e.keeper.joined(keptNotifications)), Retention: max(retention, 3*longest), Logger: e.o.Logger, Metrics: e.reg,
	})
	if err != nil {
		return fmt.Errorf("the kept notifications are damaged: %w", err)
	}
	e.sils, err = silence.New(silence.Options{
		SnapshotReader: bytes.NewReader(e.keeper.joined(keptSilences)), Retention: retention, Logger: e.o.Logger, Metrics: e.reg, EventRecorder: er,
	})
	if err != nil {
		return fmt.Errorf("the kept silences are damaged: %w", err)
	}
	e.nflog.SetBroadcast(func(b []byte) { e.keep(keptNotifications, keptProgress, notificationKey, b) })
	e.sils.SetBroadcast(func(b []byte) { e.keep(keptSilences, "", silenceKey, b) })
	return nil
}

// keep keeps a value of a kind, and at once forgets that of another which it
// replaces.
func (e *Engine) keep(kind, replaces string, key func(io.Reader) (string, error), b []byte) {
	k, err := key(bytes.NewReader(b))
	if err == nil {
		changes := map[string]map[string][]byte{kind: {k: bytes.Clone(b)}}
		if replaces != "" && !e.halves.has(k) {
			changes[replaces] = map[string][]byte{k: nil}
		}
		err = e.keeper.putAll(context.Background(), changes)
	}
	if err != nil {
		e.o.Logger.Error("Could not keep the state of alerts; after a restart it is as before", "kind", kind, "err", err)
	}
}

// notificationKey reads the next entry of a notification log and returns what it
// is kept under.
func notificationKey(r io.Reader) (string, error) {
	var m nflogpb.MeshEntry
	if err := protodelim.UnmarshalFrom(reader(r), &m); err != nil {
		return "", err
	}
	rcv := m.GetEntry().GetReceiver()
	return groupKey(rcv.GetIntegration(), int(rcv.GetIdx()), rcv.GetGroupName(), string(m.GetEntry().GetGroupKey())), nil
}

func silenceKey(r io.Reader) (string, error) {
	var m silencepb.MeshSilence
	if err := protodelim.UnmarshalFrom(reader(r), &m); err != nil {
		return "", err
	}
	return m.GetSilence().GetId(), nil
}

func reader(r io.Reader) protodelim.Reader {
	if p, ok := r.(protodelim.Reader); ok {
		return p
	}
	var b bytes.Buffer
	_, _ = io.Copy(&b, r) // a reader of memory
	return &b
}

// prune forgets what the notification log and the silences have forgotten.
func (e *Engine) prune(ctx context.Context) error {
	return errors.Join(
		e.pruneKind(ctx, keptNotifications, notificationKey, e.nflog.MarshalBinary),
		e.pruneKind(ctx, keptSilences, silenceKey, e.sils.MarshalBinary))
}

func (e *Engine) pruneKind(ctx context.Context, kind string, key func(io.Reader) (string, error), marshal func() ([]byte, error)) error {
	old := e.keeper.Values(kind) // before the snapshot: what comes after it stays
	snapshot, err := marshal()
	if err != nil {
		return err
	}
	r := bytes.NewReader(snapshot)
	for r.Len() > 0 {
		k, err := key(r)
		if err != nil {
			return err
		}
		delete(old, k)
	}
	return e.keeper.forget(ctx, kind, old)
}
