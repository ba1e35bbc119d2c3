// Package patronus drives a Patronus SD-WAN: typed calls on every kind of resource, iterators over lists, a watch that
// resumes, errors by reason, and retries that are safe.
//
//	client, err := patronus.Dial(patronus.Options{Servers: []string{"192.0.2.1:7400"}})
//	sites := patronus.For[*pb.Site](client)
//	site, err := sites.Create(ctx, "organizations/acme", "nyc", &pb.Site{Region: "us-east"})
//	for site, err := range sites.List(ctx, "organizations/acme") { ... }
//
// A [Client] is also a grpc.ClientConnInterface: any generated stub works on it, with the same retries and errors.
package patronus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	timeoutDefault = 15 * time.Second
	tryFirst       = 3 * time.Second // at one of several servers: one that is cut off silently must not take all the time
	pauseMin       = 50 * time.Millisecond
	pauseMax       = time.Second
	replySizeMax   = 8 << 20
)

// Options of Dial. The zero value takes what patronusctl takes: PATRONUS_SERVER and PATRONUS_CREDENTIAL.
type Options struct {
	Servers    []string       // host:port of any controllers
	Credential string         // path of a PEM file with certificate, key and CA
	PEM        []byte         // the same, in memory; goes before Credential
	Timeout    time.Duration  // of a call whose context has no deadline; 0 means 15 s
	Schema     *schema.Schema // nil means schema.Default()
}

// Client holds connections. It may be used by many goroutines.
type Client struct {
	servers []string
	conns   []*grpc.ClientConn
	timeout time.Duration
	schema  *schema.Schema

	mu      sync.Mutex
	current int
}

var _ grpc.ClientConnInterface = (*Client)(nil)

// Dial prepares a client. Nothing is sent before the first call.
func Dial(options Options) (*Client, error) {
	servers := options.Servers
	if len(servers) == 0 {
		servers = strings.FieldsFunc(os.Getenv("PATRONUS_SERVER"), func(r rune) bool { return r == ',' || r == ' ' })
	}
	if len(servers) == 0 {
		return nil, errors.New("no server is given; set Options.Servers or PATRONUS_SERVER, for example 192.0.2.1:7400")
	}
	text := options.PEM
	if text == nil {
		path := options.Credential
		if path == "" {
			path = CredentialPath()
		}
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("the credential cannot be read; set Options.Credential or PATRONUS_CREDENTIAL: %w", err)
		}
	}
	config, err := parseCredential(text)
	if err != nil {
		return nil, err
	}
	client := &Client{servers: servers, timeout: options.Timeout, schema: options.Schema}
	if client.timeout == 0 {
		client.timeout = timeoutDefault
	}
	if client.schema == nil {
		client.schema = schema.Default()
	}
	for _, server := range servers {
		conn, err := grpc.NewClient(server, grpc.WithTransportCredentials(credentials.NewTLS(config)), grpc.WithNoProxy(),
			grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(replySizeMax)),
			grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: tryFirst, Backoff: backoff.Config{
				BaseDelay: pauseMin, Multiplier: 2, Jitter: 0.2, MaxDelay: pauseMax}}))
		if err != nil {
			_ = client.Close()
			return nil, fmt.Errorf("server '%s': %w", server, err)
		}
		client.conns = append(client.conns, conn)
	}
	return client, nil
}

// Close ends all connections.
func (c *Client) Close() error {
	var first error
	for _, conn := range c.conns {
		if err := conn.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Schema that the client works from.
func (c *Client) Schema() *schema.Schema { return c.schema }

func (c *Client) pick() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// next leaves a server that failed, unless another call has done so already.
func (c *Client) next(failed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == failed {
		c.current = (c.current + 1) % len(c.servers)
	}
}

func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// identify gives a mutation a request id, so that a repetition is answered and not done twice, and says whether the call
// may be repeated whatever became of the first try.
func identify(method string, args any) (any, bool) {
	verb := method[strings.LastIndexByte(method, '/')+1:]
	repeatable := schema.Reads(verb)
	message, ok := args.(proto.Message)
	if !ok {
		return args, repeatable
	}
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil || field.Kind() != protoreflect.StringKind {
		return args, repeatable
	}
	if message.ProtoReflect().Get(field).String() == "" {
		message = proto.Clone(message)
		message.ProtoReflect().Set(field, protoreflect.ValueOfString(newRequestID()))
	}
	return message, true
}

// Invoke performs a unary call: at the current server, and when that is UNAVAILABLE at the others, again and again until
// the context's deadline. A mutation carries one request id through all tries.
func (c *Client) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	args, repeatable := identify(method, args)
	var unavailable *APIError // the last real cause: better than "deadline exceeded"
	pause := pauseMin
	for tries := 1; ; tries++ {
		at := c.pick()
		failure, cut := c.try(ctx, at, tryLimit((tries-1)/len(c.servers)), method, args, reply, options)
		if failure == nil {
			return nil
		}
		again := (failure.Code == codes.Unavailable && (repeatable || failure.Reason != ReasonLeaderChanged)) ||
			(failure.Code == codes.DeadlineExceeded && cut && ctx.Err() == nil)
		if failure.Code == codes.Unavailable {
			unavailable = failure
		}
		if !again {
			if failure.Code == codes.DeadlineExceeded && unavailable != nil {
				failure = unavailable
			}
			return typed(failure)
		}
		c.next(at)
		if tries%len(c.servers) == 0 {
			if !rest(ctx, pause) {
				return typed(endOf(ctx, unavailable, failure))
			}
			pause = min(2*pause, pauseMax)
		}
	}
}

// endOf is the error of a call whose time ran out between two tries.
func endOf(ctx context.Context, unavailable, last *APIError) *APIError {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fromGRPC(ctx.Err(), last.Method, last.Server)
	}
	if unavailable != nil {
		return unavailable
	}
	return last
}

// tryLimit doubles from round to round of the servers: what takes long is answered at last, silent servers or not.
func tryLimit(round int) time.Duration { return tryFirst << min(round, 10) }

func (c *Client) try(ctx context.Context, at int, limit time.Duration, method string, args, reply any, options []grpc.CallOption) (failure *APIError, cut bool) {
	if deadline, ok := ctx.Deadline(); ok && len(c.servers) > 1 && time.Until(deadline) > limit {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
		cut = true
	}
	err := c.conns[at].Invoke(ctx, method, args, reply, options...)
	return fromGRPC(err, method, c.servers[at]), cut
}

func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// NewStream opens a stream at the current server. Errors are those of gRPC; a stream that resumes by itself is [Client.Watch].
func (c *Client) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	at := c.pick()
	stream, err := c.conns[at].NewStream(ctx, desc, method, options...)
	if status.Code(err) == codes.Unavailable {
		c.next(at)
	}
	return stream, err
}
