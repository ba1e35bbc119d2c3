package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/anishathalye/porcupine"
)

// Every key is a register that may be absent: a resource and the one number in it. Each write carries a number of its
// own, so that a read says which write it saw.

type verb int

const (
	verbGet verb = iota
	verbCreate
	verbUpdate
	verbUpsert
	verbDelete
)

var verbNames = [...]string{"get", "create", "update", "upsert", "delete"}

type outcome int

const (
	done    outcome = iota
	missing         // NOT_FOUND
	exists          // ALREADY_EXISTS
	unknown         // no answer: it may have happened, now or later, or not
)

type input struct {
	verb  verb
	value uint32 // written
}

type output struct {
	outcome  outcome
	value    uint32 // read
	revision uint64 // of the change
}

// An op is one call of a client, from the first attempt to the last answer.
type op struct {
	client        int
	key           int
	in            input
	out           output
	called, ended int64 // ns since the run began
}

// Absent is 0; values begin at 1. The states that can follow, given what the client was told.
func steps(state any, in, out any) []any {
	was, call, told := state.(uint32), in.(input), out.(output)
	next, said := apply(was, call)
	switch {
	case told.outcome == unknown && call.verb == verbGet, told.outcome == unknown && next == was:
		return []any{was}
	case told.outcome == unknown:
		return []any{was, next}
	case told.outcome != said:
		return nil
	case call.verb == verbGet && said == done && told.value != was:
		return nil
	}
	return []any{next}
}

// apply is what the call does to a register, and what it is told.
func apply(was uint32, call input) (uint32, outcome) {
	switch call.verb {
	case verbGet:
		if was == 0 {
			return was, missing
		}
		return was, done
	case verbCreate:
		if was != 0 {
			return was, exists
		}
		return call.value, done
	case verbUpdate:
		if was == 0 {
			return was, missing
		}
		return call.value, done
	case verbUpsert:
		return call.value, done
	case verbDelete:
		if was == 0 {
			return was, missing
		}
		return 0, done
	}
	panic("no such verb")
}

func model() porcupine.Model {
	nondeterministic := porcupine.NondeterministicModel{
		Init:  func() []any { return []any{uint32(0)} },
		Step:  steps,
		Equal: func(a, b any) bool { return a == b },
		DescribeOperation: func(in, out any) string {
			return fmt.Sprintf("%s(%d) -> %v", verbNames[in.(input).verb], in.(input).value, out.(output))
		},
		DescribeState: func(state any) string { return fmt.Sprint(state) },
	}
	return nondeterministic.ToModel()
}

// verdict of a history.
type verdict struct {
	linearizable bool
	timedOut     int   // keys that were not decided in time
	broken       []int // keys without an order
	lost         []int // keys whose last acknowledged write is not what is read at the end
}

// judge decides key by key: calls on different keys do not constrain each other, because a register's order follows from
// real time alone (linearizability is local).
func judge(ops []op, patience time.Duration) verdict {
	byKey := map[int][]op{}
	for _, o := range ops {
		byKey[o.key] = append(byKey[o.key], o)
	}
	v := verdict{linearizable: true}
	m := model()
	for key, list := range byKey {
		switch porcupine.CheckOperationsTimeout(m, toPorcupine(list), patience) {
		case porcupine.Illegal:
			v.linearizable = false
			v.broken = append(v.broken, key)
		case porcupine.Unknown:
			v.timedOut++
		case porcupine.Ok:
		}
		if lost(list) {
			v.lost = append(v.lost, key)
		}
	}
	return v
}

func toPorcupine(list []op) []porcupine.Operation {
	var last int64
	for _, o := range list {
		last = max(last, o.ended)
	}
	operations := make([]porcupine.Operation, 0, len(list))
	for _, o := range list {
		ended := o.ended
		if o.out.outcome == unknown {
			if o.in.verb == verbGet {
				continue // says nothing
			}
			ended = last + 1 // it may still happen
		}
		operations = append(operations, porcupine.Operation{ClientId: o.client, Input: o.in, Call: o.called, Output: o.out, Return: ended})
	}
	return operations
}

// lost says whether the key's last acknowledged write is missing from the last read that began after it. Only when all
// other writes had ended before that one began, and no read is concurrent: then there is no other order.
func lost(list []op) bool {
	var write, read *op
	for i := range list {
		o := &list[i]
		switch {
		case o.in.verb == verbGet && o.out.outcome != unknown && (read == nil || o.called > read.called):
			read = o
		case o.in.verb != verbGet && o.out.outcome == done && (write == nil || o.called > write.called):
			write = o
		}
	}
	if write == nil || read == nil || read.called <= write.ended {
		return false
	}
	for i := range list {
		o := &list[i]
		if o == write || o.in.verb == verbGet {
			continue
		}
		if o.out.outcome == unknown || o.ended >= write.called {
			return false
		}
	}
	want := write.in.value
	if write.in.verb == verbDelete {
		want = 0
	}
	return read.out.value != want
}

// draw makes a page of the longest order that could be found for a key, and where it ends.
func draw(ops []op, key int, folder string) (string, error) {
	var list []op
	for _, o := range ops {
		if o.key == key {
			list = append(list, o)
		}
	}
	m := model()
	_, info := porcupine.CheckOperationsVerbose(m, toPorcupine(list), 20*time.Second)
	path := filepath.Join(folder, keyName(key)+".html")
	return path, porcupine.VisualizePath(m, info, path)
}
