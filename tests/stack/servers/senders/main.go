// Senders of telemetry that are not ours: each sends a little by its own library and says nothing when it was taken.
//
//	senders jaeger URL SERVICE      spans by OpenTelemetry's exporter to Jaeger, Thrift over HTTP
//	senders zipkin URL SERVICE      spans by OpenTelemetry's exporter to Zipkin
//	senders beats ADDRESS COUNT     events by Elastic's client of Lumberjack version 2, as libbeat sends them
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	lumber "github.com/elastic/go-lumber/client/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/jaeger" //nolint:staticcheck // what is still in use out there
	"go.opentelemetry.io/otel/exporters/zipkin"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: senders jaeger|zipkin|beats TARGET SERVICE|COUNT")
	}
	switch kind, target, what := args[0], args[1], args[2]; kind {
	case "jaeger":
		exporter, err := jaeger.New(jaeger.WithCollectorEndpoint(jaeger.WithEndpoint(target)))
		if err != nil {
			return err
		}
		return spans(exporter, what)
	case "zipkin":
		exporter, err := zipkin.New(target)
		if err != nil {
			return err
		}
		return spans(exporter, what)
	case "beats":
		count, err := strconv.Atoi(what)
		if err != nil {
			return err
		}
		return beats(target, count)
	default:
		return fmt.Errorf("there is no sender %q", kind)
	}
}

// exporterOf keeps the first error of an exporter, which the SDK only logs.
type exporterOf struct {
	sdk.SpanExporter
	err error
}

func (e *exporterOf) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	e.err = errors.Join(e.err, err)
	return err
}

func spans(exporter sdk.SpanExporter, service string) error {
	checked := &exporterOf{SpanExporter: exporter}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(checked),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", service), attribute.String("host.name", "web-1"),
		)),
	)
	tracer := provider.Tracer("senders", trace.WithInstrumentationVersion("1.0"))
	ctx, parent := tracer.Start(context.Background(), "POST /orders", trace.WithSpanKind(trace.SpanKindServer))
	_, child := tracer.Start(ctx, "charge", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.Int("attempt", 2), attribute.Bool("retried", true), attribute.Float64("amount", 1.5),
		attribute.StringSlice("cards", []string{"a", "b"}),
	))
	child.AddEvent("declined", trace.WithAttributes(attribute.String("reason", "limit")))
	child.SetStatus(codes.Error, "card declined")
	child.End()
	parent.End()
	return errors.Join(provider.Shutdown(context.Background()), checked.err)
}

func beats(address string, count int) error {
	client, err := lumber.SyncDial(address, lumber.CompressionLevel(3), lumber.Timeout(30*time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	const window = 2048 // libbeat's default bulk_max_size
	for sent := 0; sent < count; {
		events := make([]any, 0, window)
		for number := sent; number < min(sent+window, count); number++ {
			events = append(events, map[string]any{
				"@timestamp": "2026-11-24T10:00:00.123Z",
				"@metadata":  map[string]any{"beat": "filebeat", "type": "_doc", "version": "9.0.0"},
				"message":    fmt.Sprintf("line %d", number),
				"log":        map[string]any{"level": "warning", "file": map[string]any{"path": "/var/log/app.log"}, "offset": number},
				"host":       map[string]any{"name": "web-1"},
				"agent":      map[string]any{"type": "filebeat", "version": "9.0.0"},
				"ecs":        map[string]any{"version": "8.0.0"},
				"input":      map[string]any{"type": "filestream"},
				"service":    map[string]any{"name": "shop"},
				"fields":     map[string]any{"team": "payments"},
			})
		}
		acked, err := client.Send(events)
		if err != nil {
			return err
		}
		sent += acked
	}
	return nil
}
