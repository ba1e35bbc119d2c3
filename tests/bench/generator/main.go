// The load of the control plane's benchmarks: one generator for Patronus and for etcd, so that only the servers differ.
//
//	generator write  patronus|etcd SERVERS CERT KEY CA COUNT IN_FLIGHT RUN   creates of 256 bytes
//	generator read   patronus|etcd SERVERS CERT KEY CA COUNT IN_FLIGHT RUN   linearizable gets of what write made
//	generator list   patronus|etcd SERVERS CERT KEY CA COUNT IN_FLIGHT RUN   linearizable lists of 100 of them
//	generator fanout patronus      SERVERS CERT KEY CA COUNT STREAMS RUN     creates, and when each stream has them
//	generator watch  patronus      SERVERS CERT KEY CA COUNT STREAMS RUN     creates, and whether each stream has them
//	generator revoke patronus      SERVERS CERT KEY CA COUNT STREAMS RUN     revocations, and what a stream still gets
//	generator pace   patronus      SERVERS CERT KEY CA COUNT RATE RUN        calls of a tenant, so many a second
//
// SERVERS is ADDRESS[,ADDRESS...]; calls go round them. COUNT operations are done, IN_FLIGHT at a time. RUN makes the
// names of this run different from those of others; for Patronus the organizations RUN-0, RUN-1 ... must be there, one
// for each 8000 creates.
//
// write, read and list print: RATE P50_US P99_US ERRORS. The others say in their own files what they print.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

const (
	valueSize      = 256
	sitesPerParent = 8000
	callTimeout    = 30 * time.Second
	// The generator shares the machine with the servers. What it lives on is a few MiB, so that by default it would
	// collect its garbage thirty times a second.
	garbagePercent = 400
)

var value = strings.Repeat("v", valueSize)

// A target carries out operation number i of a run on a connection.
type target interface {
	write(ctx context.Context, conn *grpc.ClientConn, run string, i int) error
	read(ctx context.Context, conn *grpc.ClientConn, run string, i int) error
	list(ctx context.Context, conn *grpc.ClientConn, run string, i int) error
}

type load struct {
	what, label    string
	servers        []string
	files          [3]string // certificate, key, CA
	dial           []grpc.DialOption
	count, atATime int
	run            string
}

// transport is TLS, without a certificate of its own when cert is empty.
func transport(cert, key, ca string, patronus bool) (grpc.DialOption, error) {
	var own []tls.Certificate
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		own = append(own, pair)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", ca)
	}
	config := &tls.Config{Certificates: own, RootCAs: roots, MinVersion: tls.VersionTLS12}
	if patronus {
		config.ServerName = "controller.patronus"
	}
	return grpc.WithTransportCredentials(credentials.NewTLS(config)), nil
}

func connect(l *load) ([]*grpc.ClientConn, error) {
	conns := make([]*grpc.ClientConn, len(l.servers))
	for i, server := range l.servers {
		conn, err := grpc.NewClient("passthrough:///"+server, l.dial...)
		if err != nil {
			return nil, err
		}
		conns[i] = conn
	}
	return conns, nil
}

// operations runs the count, atATime workers sharing them, and returns how long each took.
func operations(l *load, conns []*grpc.ClientConn, do func(ctx context.Context, conn *grpc.ClientConn, run string, i int) error) ([]time.Duration, int64) {
	took := make([]time.Duration, l.count)
	var next, failed atomic.Int64
	var workers sync.WaitGroup
	for range l.atATime {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < l.count; i = int(next.Add(1)) - 1 {
				ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
				began := time.Now()
				err := do(ctx, conns[i%len(conns)], l.run, i)
				took[i] = time.Since(began)
				cancel()
				if err != nil && failed.Add(1) <= 3 {
					fmt.Fprintf(os.Stderr, "generator: %s: %v\n", l.what, err)
				}
			}
		})
	}
	workers.Wait()
	return took, failed.Load()
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func simple(l *load) error {
	var t target = patronusTarget{}
	if l.label == "etcd" {
		t = etcdTarget{}
	}
	do := map[string]func(ctx context.Context, conn *grpc.ClientConn, run string, i int) error{"write": t.write, "read": t.read, "list": t.list}[l.what]
	conns, err := connect(l)
	if err != nil {
		return err
	}
	began := time.Now()
	took, failed := operations(l, conns, do)
	seconds := time.Since(began).Seconds()
	slices.Sort(took)
	fmt.Printf("%.0f %d %d %d\n", float64(l.count)/seconds, quantile(took, 0.5).Microseconds(), quantile(took, 0.99).Microseconds(), failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d failed", failed, l.count)
	}
	return nil
}

func run(arguments []string) error {
	if len(arguments) != 9 {
		return fmt.Errorf("usage: generator write|read|list|fanout|watch|revoke|pace patronus|etcd SERVERS CERT KEY CA COUNT IN_FLIGHT RUN")
	}
	count, err := strconv.Atoi(arguments[6])
	if err != nil || count < 1 {
		return fmt.Errorf("COUNT: %q is no number of operations", arguments[6])
	}
	atATime, err := strconv.Atoi(arguments[7])
	if err != nil || atATime < 1 {
		return fmt.Errorf("IN_FLIGHT: %q is no number of workers", arguments[7])
	}
	l := &load{what: arguments[0], label: arguments[1], servers: strings.Split(arguments[2], ","), count: count, atATime: atATime, run: arguments[8]}
	l.files = [3]string(arguments[3:6])
	dial, err := transport(l.files[0], l.files[1], l.files[2], l.label == "patronus")
	if err != nil {
		return err
	}
	l.dial = []grpc.DialOption{dial}
	switch l.what {
	case "write", "read", "list":
		return simple(l)
	case "fanout":
		return fanout(l)
	case "watch":
		return watch(l)
	case "revoke":
		return revoke(l)
	case "pace":
		return pace(l)
	default:
		return fmt.Errorf("%q is nothing to generate", l.what)
	}
}

func main() {
	debug.SetGCPercent(garbagePercent)
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generator:", err)
		os.Exit(1)
	}
}
