package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Three regions: a controller in each, lines such that the round trips are 80, 150 and 150 ms. First nothing is done for a
// while, and nobody may stand for election; then one region after the other goes dark, and the time is taken until the
// others accept writes again.
//
//	c1 20 ms --+-- 20 ms c2        c1-c2: 2 * (20 + 20) = 80
//	           |
//	           55 ms c3            c1-c3, c2-c3: 2 * (20 + 55) = 150
var regionDelays = []string{"20ms", "20ms", "55ms"}

const (
	regionTryMax  = 2 * time.Second // of one write
	regionGiveUp  = 60 * time.Second
	regionWriters = 4 // at each controller that is left
)

type regions struct {
	cluster  *cluster
	workload *workload
	random   *rand.Rand
}

func newRegions(c *cluster, seed uint64) (*regions, error) {
	w, err := newWorkload(c, 4)
	if err != nil {
		return nil, err
	}
	return &regions{cluster: c, workload: w, random: rand.New(rand.NewPCG(seed, 3))}, nil
}

// spread gives each region its line, and its controller the region.
func (r *regions) spread() error {
	for i, n := range r.cluster.nodes {
		if _, err := r.cluster.lab("link", "set", n.name+"/*", "delay="+regionDelays[i]); err != nil {
			return err
		}
	}
	return until(120*time.Second, "everybody follows one leader over the long lines", func() bool { return r.term() > 0 })
}

// term of the leader that all know; 0 when they do not agree.
func (r *regions) term() uint64 {
	views := r.cluster.views()
	if len(views) < len(r.cluster.nodes) {
		return 0
	}
	for _, v := range views {
		if v.Leader == "" || v.Term != views[0].Term {
			return 0
		}
	}
	return uint64(views[0].Term)
}

// calm lets a light load run and counts the elections; the first seconds belong to the timeouts that learn the lines.
func (r *regions) calm(interrupted context.Context, duration time.Duration) (elections uint64, err error) {
	var group sync.WaitGroup
	time.Sleep(5 * time.Second)
	before := r.term()
	if before == 0 {
		return 0, fmt.Errorf("no leader that all know")
	}
	r.workload.widen(2, 1, &group)
	select {
	case <-time.After(duration):
	case <-interrupted.Done():
	}
	r.workload.stopped.Store(true)
	group.Wait()
	if err := until(120*time.Second, "all know one leader", func() bool { return r.term() > 0 }); err != nil {
		return 0, err
	}
	return r.term() - before, interrupted.Err()
}

// lose cuts one region off, from the others and from the clients, and says how long nobody accepted a write.
func (r *regions) lose(lost *node) (time.Duration, error) {
	var group sync.WaitGroup
	var accepted atomic.Int64
	done, stop := context.WithCancel(context.Background())
	defer stop()
	if _, err := r.cluster.lab("link", "cut", lost.name+"/*"); err != nil {
		return 0, err
	}
	began := time.Now()
	for i, n := range r.cluster.nodes {
		for writer := range regionWriters {
			if n == lost {
				break
			}
			group.Add(1)
			go func() {
				defer group.Done()
				random := rand.New(rand.NewPCG(uint64(writer), uint64(i)))
				time.Sleep(time.Duration(writer) * regionTryMax / regionWriters) // one begins each half a second
				for done.Err() == nil {
					call := input{verb: verbUpsert, value: r.workload.values.Add(1)}
					request := fmt.Sprintf("r%d", random.Uint64())
					if _, err := r.workload.attempt(r.workload.conns[i], 1+writer, call, request); err == nil {
						accepted.CompareAndSwap(0, int64(time.Since(began)))
						stop()
						return
					}
					time.Sleep(retryPause)
				}
			}()
		}
	}
	select {
	case <-done.Done():
	case <-time.After(regionGiveUp):
		stop()
	}
	group.Wait()
	if _, err := r.cluster.lab("link", "restore", lost.name+"/*"); err != nil {
		return 0, err
	}
	if accepted.Load() == 0 {
		return 0, fmt.Errorf("no write was accepted within %v of the loss of %s", regionGiveUp, lost.name)
	}
	return time.Duration(accepted.Load()), until(120*time.Second, "the region is back", func() bool { return r.term() > 0 })
}

// regionsRun is the whole measurement; rounds counts losses: the leader's region every other time.
func regionsRun(interrupted context.Context, c *cluster, o options) (bool, error) {
	r, err := newRegions(c, o.seed)
	if err == nil {
		err = r.spread()
	}
	if err != nil {
		return false, err
	}
	elections, err := r.calm(interrupted, o.duration)
	if err != nil {
		return false, err
	}
	fmt.Printf("regions: %d elections in %v of a light load\n", elections, o.duration)
	var took []float64
	n := &nemesis{cluster: c, workload: r.workload, random: r.random}
	for round := range o.regions {
		lost := n.any()
		if round%2 == 0 {
			lost = n.leader()
		}
		seconds, err := r.lose(lost)
		if err != nil {
			return false, err
		}
		c.say("%s lost: a write after %.2f s", lost.name, seconds.Seconds())
		took = append(took, seconds.Seconds())
	}
	slices.Sort(took)
	fmt.Printf("regions: a write after %.2f s of a loss (median of %d), %.2f at worst\n", took[len(took)/2], len(took), took[len(took)-1])
	worst := took[len(took)-1]
	figure("region_elections", elections, "= 0", elections == 0)
	figure("region_loss_write_s", fmt.Sprintf("%.2f", worst), "<= 3", worst <= 3)
	return elections == 0 && worst <= 3, nil
}
