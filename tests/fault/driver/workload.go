package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const (
	tenants     = 64               // organizations: each holds 64 profiles at most, and keys are many
	attemptMax  = 2 * time.Second  // of one attempt; then the next server
	callMax     = 20 * time.Second // of a call with all its attempts; then its outcome is unknown
	keysAClient = 2                // active keys: enough that few calls meet on one, few enough that some do
	keyOpsMax   = 300              // then the key is left and a new one taken: long histories cannot be judged
	valueMax    = 60_000_000
	retryPause  = 20 * time.Millisecond
)

var quickBackoff = backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: 500 * time.Millisecond}

// slot is a place for an active key.
type slot struct {
	mu  sync.Mutex
	key int
	ops int
}

type workload struct {
	cluster *cluster
	conns   []*grpc.ClientConn
	began   time.Time
	width   atomic.Int32 // clients at work
	stopped atomic.Bool
	acked   atomic.Int64
	slots   []slot
	keys    atomic.Int64
	values  atomic.Uint32
	clients atomic.Int32

	mu    sync.Mutex
	ops   []op
	gapNs int64 // longest time without an acknowledged write, since marked
	last  int64
}

func loadCredential(path string) (*tls.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var leaf, key []byte
	roots := x509.NewCertPool()
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		encoded := pem.EncodeToMemory(block)
		switch {
		case block.Type == "CERTIFICATE" && leaf == nil:
			leaf = encoded
		case block.Type == "CERTIFICATE":
			roots.AppendCertsFromPEM(encoded)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key = encoded
		}
	}
	pair, err := tls.X509KeyPair(leaf, key)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS13}, err
}

func newWorkload(c *cluster, clients int) (*workload, error) {
	config, err := loadCredential(c.credential)
	if err != nil {
		return nil, err
	}
	w := &workload{cluster: c, began: time.Now(), slots: make([]slot, keysAClient*clients)}
	for _, server := range c.servers() {
		conn, err := c.connect(config, server)
		if err != nil {
			return nil, err
		}
		w.conns = append(w.conns, conn)
	}
	for i := range w.slots {
		w.slots[i].key = int(w.keys.Add(1))
	}
	return w, nil
}

func (w *workload) now() int64 { return int64(time.Since(w.began)) }

func keyName(key int) string { return fmt.Sprintf("k%d", key) }

func tenantName(number int) string { return fmt.Sprintf("nemesis%d", number) }

func parentOf(key int) string { return "organizations/" + tenantName(key%tenants) }

func resourceName(key int) string { return parentOf(key) + "/slaProfiles/" + keyName(key) }

// keyNumber of a resource's name; 0 when it is not one of the workload's.
func keyNumber(name string) uint32 {
	_, number, _ := strings.Cut(name, "/slaProfiles/k")
	key, _ := strconv.ParseUint(number, 10, 32)
	return uint32(key)
}

// take draws an active key. `left` is the one that had its place until now, or 0.
func (w *workload) take(random *rand.Rand) (s *slot, key, left int) {
	s = &w.slots[random.IntN(len(w.slots))]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ops++
	if s.ops > keyOpsMax {
		left = s.key
		s.key, s.ops = int(w.keys.Add(1)), 0
	}
	return s, s.key, left
}

// clear removes what a key that was left still holds: a tenant has room for so many.
func (w *workload) clear(client, key int, at *int, random *rand.Rand) {
	w.record(w.call(client, key, input{verb: verbDelete}, at, random))
}

// retire leaves a key on which a call has no outcome: each such call doubles what the judge must consider.
func (w *workload) retire(s *slot, key int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == key {
		s.key, s.ops = int(w.keys.Add(1)), 0
	}
}

// run is one client. It ends when the workload stops, or when fewer clients are wanted than its number.
func (w *workload) run(number int32, seed uint64, group *sync.WaitGroup) {
	defer group.Done()
	random := rand.New(rand.NewPCG(seed, uint64(number)))
	at := random.IntN(len(w.conns))
	for !w.stopped.Load() && number < w.width.Load() {
		s, key, left := w.take(random)
		if left != 0 {
			w.clear(int(number), left, &at, random)
		}
		call := input{verb: verbGet}
		switch dice := random.IntN(100); {
		case dice < 60:
		case dice < 70:
			call.verb = verbCreate
		case dice < 82:
			call.verb = verbUpdate
		case dice < 93:
			call.verb = verbUpsert
		default:
			call.verb = verbDelete
		}
		if call.verb != verbGet && call.verb != verbDelete {
			call.value = w.values.Add(1)%valueMax + 1
		}
		o := w.call(int(number), key, call, &at, random)
		w.record(o)
		if o.out.outcome == unknown {
			w.retire(s, key)
		}
	}
}

func (w *workload) record(o op) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ops = append(w.ops, o)
	if o.out.outcome != unknown {
		w.acked.Add(1)
		if o.in.verb != verbGet && o.out.outcome == done {
			w.gapNs = max(w.gapNs, o.ended-w.last)
			w.last = o.ended
		}
	}
}

// call makes one call with as many attempts as it takes; a write keeps its request id, so that it takes effect once.
//
// A refusal is not kept under the request id, as a success is. When an attempt before it had no answer, it may still be
// on its way (in a paused node, in a connection that is cut), find another state there and take effect: such a call has
// no outcome.
func (w *workload) call(client, key int, in input, at *int, random *rand.Rand) op {
	o := op{client: client, key: key, in: in, called: w.now(), out: output{outcome: unknown}}
	request := fmt.Sprintf("%d-%d-%d", client, key, random.Uint64())
	end := time.Now().Add(callMax)
	for attempts := 1; time.Now().Before(end); attempts++ {
		out, err := w.attempt(w.conns[*at], key, in, request)
		if err == nil && attempts > 1 && out.outcome != done && in.verb != verbGet {
			break // see below
		}
		if err == nil {
			o.out = out
			break
		}
		if !again(err) {
			w.cluster.say("a call was refused: %s %s: %v", verbNames[in.verb], keyName(key), err)
			break
		}
		*at = random.IntN(len(w.conns))
		time.Sleep(time.Duration(random.Int64N(int64(2 * retryPause))))
	}
	o.ended = w.now()
	return o
}

// again says whether the same call may be made once more: it was not carried out, or it is not known.
func again(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Canceled:
		return true
	}
	return false
}

func (w *workload) attempt(conn *grpc.ClientConn, key int, in input, request string) (output, error) {
	ctx, cancel := context.WithTimeout(context.Background(), attemptMax)
	defer cancel()
	stub := pb.NewSlaProfileServiceClient(conn)
	name := resourceName(key)
	profile := &pb.SlaProfile{Name: name, MaxLatencyUs: &in.value}
	var answer *pb.SlaProfile
	var revision uint64
	var err error
	switch in.verb {
	case verbGet:
		answer, err = stub.GetSlaProfile(ctx, &pb.GetSlaProfileRequest{Name: name})
	case verbCreate:
		profile.Name = ""
		answer, err = stub.CreateSlaProfile(ctx, &pb.CreateSlaProfileRequest{Parent: parentOf(key), SlaProfileId: keyName(key), SlaProfile: profile, RequestId: request})
	case verbUpdate, verbUpsert:
		answer, err = stub.UpdateSlaProfile(ctx, &pb.UpdateSlaProfileRequest{SlaProfile: profile, RequestId: request, AllowMissing: in.verb == verbUpsert,
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"max_latency_us"}}})
	case verbDelete:
		var gone *pb.DeleteResponse
		gone, err = stub.DeleteSlaProfile(ctx, &pb.DeleteSlaProfileRequest{Name: name, RequestId: request})
		revision = gone.GetRevision()
	}
	switch status.Code(err) {
	case codes.OK:
		if answer != nil {
			revision = answer.GetRevision()
		}
		return output{outcome: done, value: answer.GetMaxLatencyUs(), revision: revision}, nil
	case codes.NotFound:
		return output{outcome: missing}, nil
	case codes.AlreadyExists:
		return output{outcome: exists}, nil
	}
	return output{}, err
}

// widen sets how many clients are at work.
func (w *workload) widen(width int32, seed uint64, group *sync.WaitGroup) {
	was := w.width.Swap(width)
	for number := was; number < width; number++ {
		group.Add(1)
		go w.run(number, seed+uint64(w.clients.Add(1)), group)
	}
}

// readAll reads every key once, with a good many at a time: what survived.
func (w *workload) readAll() error {
	var group sync.WaitGroup
	var failed atomic.Int32
	next := make(chan int)
	for i := range 16 {
		group.Add(1)
		go func() {
			defer group.Done()
			random := rand.New(rand.NewPCG(uint64(i), 1))
			at := i % len(w.conns)
			for key := range next {
				o := w.call(100000+i, key, input{verb: verbGet}, &at, random)
				w.record(o)
				if o.out.outcome == unknown {
					failed.Add(1)
				}
			}
		}()
	}
	for key := 1; key <= int(w.keys.Load()); key++ {
		next <- key
	}
	close(next)
	group.Wait()
	if failed.Load() > 0 {
		return errors.New("not every key could be read after everything was mended")
	}
	return nil
}
