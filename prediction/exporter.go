package prediction

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// fromEnvironment makes the exporter that the variables of OpenTelemetry's
// specification name; nil if they turn it off. What is not about the choice is read
// by the exporters themselves.
func fromEnvironment(ctx context.Context) (sdklog.Exporter, error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	switch which := os.Getenv("OTEL_LOGS_EXPORTER"); which {
	case "", "otlp":
	case "none":
		return nil, nil
	default:
		return nil, fmt.Errorf("prediction: OTEL_LOGS_EXPORTER=%s is not here; known: otlp, none; give another exporter with WithExporter", which)
	}
	// The specification's default is this machine without TLS, that of the exporters
	// is with it.
	local := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT") == ""
	switch protocol := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")); protocol {
	case "", "http/protobuf":
		var opts []otlploghttp.Option
		if local {
			opts = append(opts, otlploghttp.WithInsecure())
		}
		return otlploghttp.New(ctx, opts...)
	case "grpc":
		var opts []otlploggrpc.Option
		if local {
			opts = append(opts, otlploggrpc.WithInsecure())
		}
		return otlploggrpc.New(ctx, opts...)
	default:
		return nil, fmt.Errorf("prediction: OTEL_EXPORTER_OTLP_PROTOCOL=%s is not here; known: http/protobuf, grpc", protocol)
	}
}
