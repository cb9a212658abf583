package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/otelcol"
	"golang.org/x/term"

	"github.com/driftmeter/driftmeter/internal/demo"
)

// demoCommand shows Driftmeter at work on a real data set.
func demoCommand(settings otelcol.CollectorSettings) *cobra.Command {
	o := demo.Options{Settings: settings}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See drift and performance on a real data set, within a minute",
		Long: `Starts the collector with its built-in configuration, sends it 208 892 predictions
of a real model (US census, 2016 to 2018; reference: 2015) over OTLP, and shows drift
by field and performance by hour: first as it is estimated, then, when the labels have
come, as it was; and the alerts that its monitors raised. The predictions are spread
over the last 42 hours, and the last of them is made now. Then the collector keeps
running until Ctrl-C.

A second start counts nothing twice: it sends nothing, starts the collector on the
state of the first, and shows what there is. If the first was interrupted, the second
sends the rest. With --replay all predictions are sent again with new times; hours that
both replays reach hold the predictions of both. To start afresh, delete the directory.

The state lies in the directory, as of every Driftmeter; what the demo itself keeps,
and the log of the collector, lie in its folder demo.`,
		Example: `  driftmeter demo
  driftmeter demo --directory /tmp/demo --exit
  driftmeter demo --set=exporters.prometheus.endpoint=localhost:18889`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
			w := cmd.OutOrStdout()
			file, _ := w.(*os.File)
			terminal := file != nil && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
			return demo.Run(ctx, o, &demo.Screen{
				W: w, Terminal: terminal, Colour: terminal && os.Getenv("NO_COLOR") == "", Zone: time.Local,
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Directory, "directory", "./driftmeter-data", "where the state lies")
	f.BoolVar(&o.Replay, "replay", false, "send the predictions again, with new times")
	f.BoolVar(&o.Exit, "exit", false, "end when all is shown")
	f.StringArrayVar(&o.Sets, "set", nil, "set a key of the configuration, such as\nreceivers.otlp.protocols.grpc.endpoint=localhost:14317")
	f.DurationVar(&o.Timeout, "timeout", 2*time.Minute, "how long to wait for the hours to be evaluated")
	return cmd
}
