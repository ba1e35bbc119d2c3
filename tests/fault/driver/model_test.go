package main

import (
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	w := func(v verb, value uint32, out outcome, called, ended int64) op {
		return op{client: int(called), in: input{v, value}, out: output{outcome: out}, called: called, ended: ended}
	}
	r := func(value uint32, called, ended int64) op {
		out := output{outcome: done, value: value}
		if value == 0 {
			out.outcome = missing
		}
		return op{client: int(called), out: out, called: called, ended: ended}
	}
	cases := []struct {
		name         string
		ops          []op
		linearizable bool
		lost         int
	}{
		{"in order", []op{w(verbCreate, 1, done, 1, 2), r(1, 3, 4), w(verbDelete, 0, done, 5, 6), r(0, 7, 8)}, true, 0},
		{"a lost write", []op{w(verbCreate, 1, done, 1, 2), w(verbUpdate, 2, done, 3, 4), r(1, 5, 6)}, false, 1},
		{"a stale read", []op{w(verbCreate, 1, done, 1, 2), w(verbUpdate, 2, done, 3, 4), r(1, 5, 6), r(2, 7, 8)}, false, 0},
		{"a read of what is under way", []op{w(verbCreate, 1, done, 1, 2), w(verbUpdate, 2, done, 3, 9), r(1, 4, 5), r(2, 6, 7)}, true, 0},
		{"it went back", []op{w(verbCreate, 1, done, 1, 2), w(verbUpdate, 2, done, 3, 9), r(2, 4, 5), r(1, 6, 7)}, false, 0},
		{"no answer, and it happened later", []op{w(verbCreate, 1, unknown, 1, 2), r(0, 3, 4), r(1, 5, 6)}, true, 0},
		{"no answer, and it happened twice", []op{w(verbCreate, 1, done, 1, 2), w(verbUpdate, 2, unknown, 3, 4), r(2, 5, 6), w(verbUpdate, 3, done, 7, 8), r(2, 9, 10)}, false, 0},
		{"refused although absent", []op{w(verbCreate, 1, exists, 1, 2)}, false, 0},
		{"created twice", []op{w(verbCreate, 1, done, 1, 2), w(verbCreate, 2, done, 3, 4)}, false, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := judge(c.ops, time.Second)
			if v.linearizable != c.linearizable || len(v.lost) != c.lost {
				t.Errorf("linearizable %v, lost %d; want %v, %d", v.linearizable, len(v.lost), c.linearizable, c.lost)
			}
		})
	}
}
