package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	patronusv1 "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const lastAnswers = 2 * time.Second

// pace makes COUNT calls, RATE of them a second whatever becomes of earlier ones, as the account whose API key stands in
// BENCH_KEY: in turn a linearizable get and an update of one site of the run's organization. Prints: P50_US P99_US
// WORST_US RATE ANSWERED REFUSED UNANSWERED, of the time from when a call was due to its answer, of those that were
// answered; RATE is what was made a second. REFUSED are those with RESOURCE_EXHAUSTED, whose delay to retry nobody here
// heeds. UNANSWERED are those that a tenant with refusals left behind when it ended, a while after its last call was due:
// they wait here or at a server. Any other failure is an error, and so is each of those for who is not refused.
func pace(l *load) error {
	holder, err := l.with(os.Getenv("BENCH_KEY"))
	if err != nil {
		return err
	}
	conns, err := connect(holder)
	if err != nil {
		return err
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	for _, conn := range conns { // none of the calls that count waits for a connection
		if err := paced(ctx, conn, organization(l.run, 0)+"/sites/paced", 0); err != nil {
			return err
		}
	}
	took := make([]time.Duration, l.count)
	var refused, unanswered, failed atomic.Int64
	var calls sync.WaitGroup
	began := time.Now()
	for i := range l.count {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(l.atATime))
		time.Sleep(time.Until(due))
		calls.Go(func() {
			err := pacedUntil(ctx, conns, organization(l.run, 0)+"/sites/paced", i)
			took[i] = time.Since(due)
			if status.Code(err) == codes.ResourceExhausted {
				refused.Add(1)
				took[i] = -1
			} else if ctx.Err() != nil {
				unanswered.Add(1)
				took[i] = -1
			} else if err != nil && failed.Add(1) <= 3 {
				fmt.Fprintln(os.Stderr, "generator: pace:", err)
			}
		})
	}
	rate := float64(l.count) / time.Since(began).Seconds()
	answered := make(chan struct{})
	go func() {
		calls.Wait()
		close(answered)
	}()
	select {
	case <-answered:
	case <-time.After(lastAnswers):
		if refused.Load() > 0 {
			leave()
		}
	}
	<-answered
	took = slices.DeleteFunc(took, func(d time.Duration) bool { return d < 0 })
	slices.Sort(took)
	fmt.Printf("%d %d %d %.0f %d %d %d\n", quantile(took, 0.5).Microseconds(), quantile(took, 0.99).Microseconds(), quantile(took, 1).Microseconds(),
		rate, len(took), refused.Load(), unanswered.Load())
	if failed.Load() > 0 {
		return fmt.Errorf("%d of %d failed", failed.Load(), l.count)
	}
	return nil
}

// pacedUntil asks again while nobody leads, as any client would: that time counts.
func pacedUntil(ctx context.Context, conns []*grpc.ClientConn, site string, i int) error {
	end := time.Now().Add(callTimeout)
	for n := 0; ; n++ {
		err := paced(ctx, conns[(i+n)%len(conns)], site, i)
		if status.Code(err) != codes.Unavailable || time.Now().After(end) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func paced(ctx context.Context, conn *grpc.ClientConn, site string, i int) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	sites := patronusv1.NewSiteServiceClient(conn)
	if i/3%2 == 0 { // of three servers, each gets both
		_, err := sites.GetSite(ctx, &patronusv1.GetSiteRequest{Name: site})
		return err
	}
	_, err := sites.UpdateSite(ctx, &patronusv1.UpdateSiteRequest{UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"annotations"}},
		Site: &patronusv1.Site{Name: site, Annotations: map[string]string{"v": fmt.Sprint(i)}}})
	return err
}
