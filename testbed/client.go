package testbed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

// Client sends batches that are marshalled already, by gRPC.
type Client struct{ conn *grpc.ClientConn }

// Dial returns a client of an address. It connects with its first batch.
func Dial(address string) (*Client, error) {
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{}), grpc.MaxCallSendMsgSize(1<<30)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond},
			MinConnectTimeout: 5 * time.Second,
		}))
	if err != nil {
		return nil, err
	}
	return &Client{conn}, nil
}

// Close ends the connection.
func (c *Client) Close() { _ = c.conn.Close() } // nothing is buffered

// Send returns nil when the whole batch has been acknowledged.
func (c *Client) Send(ctx context.Context, batch []byte) error {
	var answer []byte
	if err := c.conn.Invoke(ctx, "/opentelemetry.proto.collector.logs.v1.LogsService/Export", batch, &answer); err != nil {
		return err
	}
	return accepted(answer)
}

// accepted reports a partial success as an error.
func accepted(answer []byte) error {
	r := plogotlp.NewExportResponse()
	if err := r.UnmarshalProto(answer); err != nil {
		return err
	}
	if p := r.PartialSuccess(); p.RejectedLogRecords() != 0 {
		return fmt.Errorf("%d records rejected: %s", p.RejectedLogRecords(), p.ErrorMessage())
	}
	return nil
}

// rawCodec hands over bytes as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (rawCodec) Name() string                  { return "proto" }
func (rawCodec) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(b)
	return nil
}

// Post sends a batch by HTTP and returns the status and the text of the answer.
func Post(ctx context.Context, address, contentType string, body []byte) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/logs", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
