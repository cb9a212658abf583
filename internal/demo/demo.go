// Package demo is the first ten minutes with Driftmeter: it starts the collector,
// sends it a real data set as any service would send its predictions, receives
// the metrics as any backend would, and shows them.
//
//	rows ──OTLP logs──▶ collector ──OTLP metrics──▶ backend ──▶ report
//
// It knows nothing of what is inside the collector: both ends are the wire.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Options of a demo.
type Options struct {
	// Settings of the collector: its components and providers. Their URIs are
	// replaced.
	Settings otelcol.CollectorSettings
	// Directory holds the state of the collector and, in its folder demo, ours.
	Directory string
	// Replay sends the predictions again, although they were sent.
	Replay bool
	// Exit ends the demo when all is shown.
	Exit bool
	// Sets are assignments to keys of the configuration, as of --set.
	Sets []string
	// Timeout is how long the windows are waited for, after all was sent.
	Timeout time.Duration
}

// demo is one run.
type demo struct {
	Options
	out       *Screen
	log       string // the file with what the collector says
	record    *record
	backend   *backend
	addresses addresses
	collector *collector
}

// Run shows the demo on a screen. It ends when ctx does.
func Run(ctx context.Context, o Options, out *Screen) (err error) {
	own := filepath.Join(o.Directory, "demo")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return err
	}
	d := &demo{Options: o, out: out, log: filepath.Join(own, "collector.log")}
	if d.record, err = openRecord(own); err != nil {
		return err
	}
	if d.backend, err = listen(own); err != nil {
		return err
	}
	defer d.backend.close() // after the collector has stopped
	if err = d.start(ctx); err == nil {
		err = d.show(ctx)
	}
	if err == nil && !o.Exit {
		err = d.wait(ctx)
	}
	stopped := errors.Is(err, context.Canceled) && ctx.Err() != nil
	if stopped {
		fmt.Fprintln(out.W, "\nStopping …")
		err = nil
	}
	if d.collector != nil {
		err = errors.Join(err, d.collector.stop())
	}
	if err != nil {
		return err
	}
	if stopped {
		fmt.Fprintf(out.W, "Stopped. What was learned stays in %s; `driftmeter demo` goes on from there.\n", d.Directory)
	}
	return nil
}

// start configures and starts the collector.
func (d *demo) start(ctx context.Context) (err error) {
	uris := []string{"builtin:default", "builtin:demo", overlay(d.Directory, d.log, d.backend.addr)}
	for _, s := range d.Sets {
		uri, err := setURI(s)
		if err != nil {
			return err
		}
		uris = append(uris, uri)
	}
	s := d.Settings
	s.ConfigProviderSettings.ResolverSettings.URIs = uris
	if d.addresses, err = check(ctx, s.ConfigProviderSettings.ResolverSettings); err != nil {
		return cmp.Or(ctx.Err(), err) // stopped by the user, no address can be listened on
	}
	d.intro()
	d.collector, err = start(ctx, s)
	return err
}

// show sends the predictions, shows what can be known without labels, sends the
// labels, and shows how well the model really did.
func (d *demo) show(ctx context.Context) error {
	replay := d.record.replay(d.Replay, time.Now())
	if replay == nil {
		last := d.record.Replays[len(d.record.Replays)-1]
		fmt.Fprintf(d.out.W, "Predictions and labels were sent at %s; nothing is sent now (--replay sends them again).\n",
			last.End.In(d.out.Zone).Format("15:04 on Monday 2 January"))
		replay = &last
	}
	if err := d.send(ctx, replay); err != nil {
		return err
	}
	late, err := d.evaluated(ctx, "hours evaluated", false)
	if err != nil {
		return err
	}
	ws := full(d.backend.all())
	if len(ws) == 0 {
		return fmt.Errorf("no window was evaluated within %s; %s says why", d.Timeout, d.log)
	}
	drifts(d.out, ws)
	if replay.Labels == 0 {
		performance(d.out, ws, replay.years(), expectations)
		fmt.Fprintf(d.out.W, "\n  No label has come yet: these are estimates. Now the labels come, as a file of their own.\n\n")
	}
	if err := d.label(ctx, replay); err != nil {
		return err
	}
	unlabelled, err := d.evaluated(ctx, "hours evaluated again", true)
	if err != nil {
		return err
	}
	late = errors.Join(late, unlabelled)
	if err := d.judged(ctx); err != nil {
		return err
	}
	all := d.backend.all()
	performance(d.out, full(all), replay.years(), results)
	d.few(all)
	alerts(d.out, d.backend.inbox.all())
	d.running()
	d.story()
	if err := d.outro(ctx); err != nil {
		return err
	}
	if late != nil && d.Exit {
		return late
	}
	if late != nil {
		fmt.Fprintf(d.out.W, "\n%s\n", d.out.paint(red, "Note: "+late.Error()))
	}
	return nil
}

// send streams the reference and the predictions of a replay, as far as they have
// not been sent.
func (d *demo) send(ctx context.Context, replay *Replay) error {
	if replay.Sent == PredictionRows {
		return nil
	}
	c, err := dial(d.addresses.grpc)
	if err != nil {
		return err
	}
	defer func() { _ = c.close() }() // everything was acknowledged or has failed
	if d.record.Reference < ReferenceRows {
		p := newProgress(d.out, "reference, 2015", ReferenceRows, d.record.Reference)
		err = stream(ctx, c, Reference(), d.record.Reference, putReference, func(n int) error {
			d.record.Reference = n
			p.set(n)
			return d.record.save()
		})
		p.end()
		if err != nil {
			return d.failed(ctx, err)
		}
	}
	p := newProgress(d.out, "predictions, 2016–2018", PredictionRows, replay.Sent)
	if err := d.record.save(); err != nil { // with the times, before a row goes out with them
		return err
	}
	err = stream(ctx, c, Predictions(), replay.Sent, func(lr plog.LogRecord, row *Row, i int) {
		putPrediction(lr, row, d.record.id(i), replay.Time(i))
	}, func(n int) error {
		replay.Sent = n
		p.set(n)
		return d.record.save()
	})
	p.end()
	return d.failed(ctx, err)
}

// label streams the labels of a replay, as far as they have not been sent.
func (d *demo) label(ctx context.Context, replay *Replay) error {
	if replay.Labels == PredictionRows {
		return nil
	}
	c, err := dial(d.addresses.grpc)
	if err != nil {
		return err
	}
	defer func() { _ = c.close() }() // everything was acknowledged or has failed
	p := newProgress(d.out, "labels, 2016–2018", PredictionRows, replay.Labels)
	err = stream(ctx, c, Labels(), replay.Labels, func(lr plog.LogRecord, l *Label, i int) {
		putLabel(lr, l, d.record.id(l.ID-ReferenceRows), replay.End)
	}, func(n int) error {
		replay.Labels = n
		p.set(n)
		return d.record.save()
	})
	p.end()
	return d.failed(ctx, err)
}

// failed says where to look when sending fails; not when the user stopped it.
func (d *demo) failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("sending to %s: %w; %s may say why", d.addresses.grpc, err, d.log)
}

// evaluated waits for the windows that have ended, with all predictions that were
// sent into them or, then, with all labels of these. late says which did not come.
func (d *demo) evaluated(ctx context.Context, what string, labels bool) (late, err error) {
	timeout := time.NewTimer(d.Timeout)
	defer timeout.Stop()
	again := time.NewTicker(250 * time.Millisecond) // a window may end meanwhile
	defer again.Stop()
	ended, _ := d.ended(time.Now(), labels)
	p := newProgress(d.out, what, len(ended), d.backend.complete(ended, labels))
	defer func() { p.end() }()
	for {
		ended, _ = d.ended(time.Now(), labels)
		done := d.backend.complete(ended, labels)
		p.total = len(ended)
		p.set(done)
		if done == len(ended) {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case err := <-d.collector.ended:
			d.collector.ended <- err
			return nil, explain(err)
		case <-timeout.C:
			return fmt.Errorf("only %d of %d hours were evaluated within %s; %s may say why", done, len(ended), d.Timeout, d.log), nil
		case <-d.backend.changed:
		case <-again.C:
		}
	}
}

// judged waits until the monitors have judged the windows that were evaluated: the
// latest window is repeated only after that.
func (d *demo) judged(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	for n := d.backend.received(); d.backend.received() == n; {
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return nil // the alerts that came are shown
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// ended returns how many predictions, or labels of them, were sent into each window
// that has ended, and into those that have not.
func (d *demo) ended(now time.Time, labels bool) (all map[int64]int, running int) {
	all, of := d.record.counts()
	if labels {
		all = of
	}
	for start, n := range all {
		if start+int64(window) > now.UnixNano() {
			delete(all, start)
			running += n
		}
	}
	return all, running
}

// wait keeps the collector running until the user stops it.
func (d *demo) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-d.collector.ended:
		d.collector.ended <- err
		return explain(err)
	}
}
