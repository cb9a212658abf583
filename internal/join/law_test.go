package join_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/record"
)

// actuals draws actuals of distinct times about two outputs, with and without raw
// inputs.
func actuals(t *rapid.T) (es []event) {
	times := rapid.SliceOfNDistinct(rapid.Int64Range(1, 1000), 0, 6, rapid.ID[int64]).Draw(t, "times")
	for _, at := range times {
		e := event{at: at, labels: map[string]record.Value{}, inputs: map[string]record.Value{}}
		for _, name := range []string{"p", "q"} {
			if rapid.Bool().Draw(t, name) {
				e.labels[name] = record.Int(int64(rapid.IntRange(0, 2).Draw(t, "label")))
			}
		}
		// Of a raw input the first value counts, so each has only one here.
		for _, name := range []string{"region", "note", "known", "site"} {
			if rapid.IntRange(0, 3).Draw(t, name) == 0 {
				e.inputs[name] = record.Str("v-" + name)
			}
		}
		if len(e.labels)+len(e.inputs) > 0 {
			es = append(es, e)
		}
	}
	return es
}

// want computes what the labels are in the end, without any state machine: of
// each output the latest.
func want(es []event) map[string]record.Value {
	at, labels := map[string]int64{}, map[string]record.Value{}
	for _, e := range es {
		for name, v := range e.labels {
			if _, ok := labels[name]; !ok || e.at > at[name] {
				labels[name], at[name] = v, e.at
			}
		}
	}
	return labels
}

// In whatever order a prediction and its actuals arrive, and however often, the
// same labels count in the end, in the same segment, and each late raw input
// once.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		es := append(actuals(t), event{prediction: true, at: rapid.Int64Range(-5, 1005).Draw(t, "time of the prediction")})
		if rapid.Bool().Draw(t, "the prediction has an actual") {
			es[len(es)-1].at = -10 // before all others, or a tie could decide
			es[len(es)-1].labels = map[string]record.Value{"p": record.Int(int64(rapid.IntRange(0, 2).Draw(t, "own")))}
		}
		sh := rapid.SampledFrom([]*join.Shape{shape, plain}).Draw(t, "shape")
		b := newBench(t)
		b.m.KeepAll = rapid.Bool().Draw(t, "keep all")
		again := rapid.SliceOfN(rapid.SampledFrom(es), 0, 4).Draw(t, "again")
		joins, labelled := 0, 0
		for _, e := range rapid.Permutation(append(slices.Clone(es), again...)).Draw(t, "order") {
			told := b.offer(sh, e)
			if told.Has(join.Labelled) {
				labelled++
			}
			if told.Has(join.Joined) {
				joins++
			}
		}
		if b.passed != 1 {
			t.Fatalf("the prediction went on %d times", b.passed)
		}
		segment, late := []string{"f=x"}, map[string]int{}
		for _, e := range es {
			for name := range e.inputs {
				if name == "known" || name == "site" && sh == shape {
					continue // it came with the prediction
				}
				late[name+"=v-"+name] = 1
			}
		}
		if sh == shape {
			segment = append(segment, "site=web")
		}
		if late["region=v-region"] == 1 {
			segment = append(segment, "region=v-region")
		}
		slices.Sort(segment)
		net := map[string]int{}
		if all := want(es); len(all) > 0 {
			var words []string
			for _, name := range slices.Sorted(maps.Keys(all)) {
				words = append(words, word(record.Field{Name: name, Value: all[name]}))
			}
			net[strings.Join(segment, " ")+": "+strings.Join(words, " ")] = 1
		}
		if !maps.Equal(b.net, net) || !maps.Equal(b.late, late) {
			t.Fatalf("counted %v and late %v, want %v and %v; said\n%s", b.net, b.late, net, late, strings.Join(b.said, "\n"))
		}
		own := len(es[len(es)-1].labels) > 0
		if want := len(net) > 0 && !own; labelled > 1 || (labelled == 1) != want && !own {
			t.Fatalf("a first label was joined %d times", labelled)
		}
		// Everything once more changes nothing and says nothing but that the id
		// came again.
		bytes := b.bytes
		b.said = nil
		for _, e := range rapid.Permutation(es).Draw(t, "order of the repetition") {
			b.offer(sh, e)
		}
		if len(b.said) != 1 || !strings.HasPrefix(b.said[0], "ml.duplicate") || !maps.Equal(b.net, net) {
			t.Fatalf("the repetition says %q and counts %v", b.said, b.net)
		}
		if b.bytes != bytes {
			t.Fatalf("the repetition changes the state to %x from %x", b.bytes, bytes)
		}
	})
}

// What the wait does: however long anything takes, what is counted of a
// prediction is what came in time, and every id is forgotten in the end.
func TestWaits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t)
		arrived, predicted := int64(0), false
		first, held := int64(0), false // arrival of the first early actual, that is not forgotten
		for i := range rapid.IntRange(1, 12).Draw(t, "events") {
			b.now += rapid.Int64Range(0, wait).Draw(t, "pause") / 1_000_000_000 * 1_000_000_000
			var told, wantTold join.Told
			live := predicted && b.now-arrived <= wait
			early := held && !live && b.now-first <= wait
			switch rapid.SampledFrom([]string{"predict", "actual", "forget"}).Draw(t, "what") {
			case "predict":
				told = b.offer(plain, event{prediction: true, at: b.now}) & (join.Passes | join.Again | join.Joined | join.Expired)
				switch {
				case live:
					wantTold = join.Again
				case early:
					wantTold = join.Passes | join.Joined
				default:
					wantTold = join.Passes
				}
				if !live {
					predicted, arrived, held = true, b.now, false
				}
			case "actual":
				told = b.offer(plain, event{at: int64(i), labels: map[string]record.Value{"p": record.Int(int64(i))}}) & (join.Joined | join.Expired)
				switch {
				case live:
					wantTold = join.Joined
				case early:
				case !held && predicted && b.now-arrived <= 2*wait:
					wantTold = join.Expired
				default:
					predicted, held, first = false, true, b.now
				}
			case "forget":
				b.forget()
			}
			if told != wantTold {
				t.Fatalf("event %d: told %b, want %b", i, told, wantTold)
			}
		}
		b.now += 3 * wait
		b.forget()
		b.forget()
		if b.bytes != "" {
			t.Fatalf("%x is never forgotten", b.bytes)
		}
	})
}

// The machine's memory is used again: what an id said before is not said of
// another one.
func TestIDsDoNotMix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events [3][]event
		var apart [3]string
		for i := range events {
			events[i] = append(actuals(t), event{prediction: true, at: 5})
			b := newBench(t)
			for _, e := range events[i] {
				b.offer(plain, e)
			}
			apart[i] = fmt.Sprint(b.said, b.net)
		}
		one := newBench(t)
		var bytes [3]string
		var said [3][]string
		var net [3]map[string]int
		for i := range net {
			net[i] = map[string]int{}
		}
		for step := 0; step < 10; step++ {
			for i := range events {
				if step < len(events[i]) {
					one.bytes, one.said, one.net = bytes[i], said[i], net[i]
					one.offer(plain, events[i][step])
					bytes[i], said[i], net[i] = one.bytes, one.said, one.net
				}
			}
		}
		for i := range said {
			if got := fmt.Sprint(said[i], net[i]); got != apart[i] {
				t.Fatalf("id %d said %s, and alone %s", i, got, apart[i])
			}
		}
	})
}
