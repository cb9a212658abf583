package demo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// intro says what is going to happen.
func (d *demo) intro() {
	fmt.Fprintf(d.out.W, `%s

  A model learned from the US census of 2015 (Massachusetts) to say whether a person is employed.
  It was asked about the people of 2016, 2017 and 2018. Did they change, and did the model suffer?

  The collector runs in this process; its log is %s.
  Its predictions arrive at %s over OTLP, spread over the last 42 hours;
  what was true comes later, on its own.

`, d.out.paint(bold, "Driftmeter demo"), d.log, d.addresses.grpc)
}

// few says which windows are not shown.
func (d *demo) few(all []Window) {
	if n := len(all) - len(full(all)); n > 0 {
		fmt.Fprintf(d.out.W, "\n  Not shown: %d of %d hours, with fewer than half as many predictions as others.\n", n, len(all))
	}
}

// running says where the rest of the predictions is.
func (d *demo) running() {
	now := time.Now()
	if _, n := d.ended(now, false); n > 0 {
		fmt.Fprintf(d.out.W, "\n  %s more predictions are of the hour that is running; it is evaluated at its end, %s.\n",
			grouped(n), now.Truncate(window).Add(window).In(d.out.Zone).Format("15:04"))
	}
}

// story says what is to be seen in the data.
func (d *demo) story() {
	fmt.Fprintf(d.out.W, `
%s
  In 2015, 7 %% of the people lived in dormitories, nursing homes or prisons (RELP 16 and 17).
  From 2017 on the survey's file has them in one block, where 2017 turns into 2018. So RELP
  drifts in nearly every hour since. In the hours of the block most fields drift, and f1 falls:
  of the employed among these people the model finds 4 in 10, as it did in 2015, when they were
  too few to be noticed. ANC drifts slowly (ancestry not reported: 14 %% in 2015, 17 %% in 2018),
  alone too little for an alarm. Most p-values are tiny, as they are wherever there is much
  data: a verdict asks for size too.
`, d.out.paint(bold, "What happened"))
}

// outro says what to do next.
func (d *demo) outro(ctx context.Context) error {
	url := "http://" + d.addresses.prometheus + "/metrics"
	series, err := d.scraped(ctx, url)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out.W, `
%s
  Metrics       %s  (%s series of this model, such as ml_drift_psi)
  Segments      the same by sex and age: ml_segment_name="sex" or "age_band"
  Read on       README.md, docs/ and examples/ of the repository; docs/reference/metrics.md
  Own config    driftmeter print-default-config > my.yaml, then driftmeter --config my.yaml
  State         %s  (delete it to start afresh)

%s
  to %s, an OTLP log record per prediction, from any OpenTelemetry SDK:

    event name           ml.prediction
    ml.model.name        "fraud"                  any name: nothing has to be declared
    ml.model.version     "7"
    ml.features.age      41                       a feature each: numbers, strings, booleans
    ml.predictions.proba 0.83                     what the model answered
    ml.prediction.id     "f3a9"                   if the truth will follow

  What was true comes with the prediction or, as here, later and from anywhere: as event
  ml.actual with ml.model.name, ml.prediction.id and ml.actuals.fraud.
`, d.out.paint(bold, "Open next"), url, grouped(series), d.Directory,
		d.out.paint(bold, "Send your own predictions"), d.addresses.grpc)
	if !d.Exit {
		fmt.Fprintf(d.out.W, "\n%s\n", d.out.paint(bold, "The collector keeps running. Ctrl-C stops it."))
	}
	return nil
}

// scraped waits until the endpoint serves metrics about the model: after a
// start, the latest window is repeated within seconds.
func (d *demo) scraped(ctx context.Context, url string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		n, err := scrape(ctx, url)
		if err == nil && n > 0 {
			return n, nil
		}
		if err == nil {
			err = errors.New("no series")
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return 0, ctx.Err()
			}
			return 0, fmt.Errorf("%s shows no metrics of the model (%w); %s may say why", url, err, d.log)
		case <-time.After(250 * time.Millisecond):
		}
	}
}
