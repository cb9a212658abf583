package alertexporter

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// Every destination, each with every trouble, all at once: nothing is lost, nothing
// is delivered twice, though the process is started anew in the midst of it; a line
// of the log names the receiver and says what to do; a destination that says when to
// come back is not asked before; and one that is well hears at once.
func TestEveryDestinationInTrouble(t *testing.T) {
	t.Parallel()
	for illness, says := range map[string]func(placeKind) string{
		"500":  func(k placeKind) string { return mailOr(k, "554", "has a problem (500)") },
		"429":  func(k placeKind) string { return mailOr(k, "450", "takes no more for now (429)") },
		"hang": func(placeKind) string { return "did not answer in 3s; raise timeout" },
		"key": func(k placeKind) string {
			return mailOr(k, "refuses the login: 535", fmt.Sprintf("refuses the key (%d)", k.refuse))
		},
		"down": func(placeKind) string { return "cannot be reached" },
		"part": func(k placeKind) string {
			return mailOr(k, "refuses the recipient two@example.com: 450", "has a problem (500)")
		},
	} {
		t.Run(illness, func(t *testing.T) {
			t.Parallel()
			var places []*place
			var routes, receivers strings.Builder
			for _, k := range placeKinds {
				if illness == "part" && k.part == nil {
					continue
				}
				p := newPlace(t, k, illness)
				places = append(places, p)
				at := p.addr
				if k.ok != nil {
					at = "http://" + at
				}
				fmt.Fprintf(&routes, "  - {receiver: %s, continue: true}\n", k.name)
				fmt.Fprintf(&receivers, "- {name: %s, %s}\n", k.name, fmt.Sprintf(k.receiver, at))
			}
			bystander := newFake(t, nil)
			text := "route:\n  receiver: bystander\n  group_wait: 1s\n  group_interval: 1s\n  repeat_interval: 1h\n  routes:\n" + routes.String() +
				"  - {receiver: bystander}\ndirectory: " + t.TempDir() + "\nreceivers:\n" + receivers.String() + "- {name: bystander, webhook: {url: \"" + bystander.URL + "\"}}\n"
			cfg := config(t, patient(text))
			first := cfg
			if illness == "hang" {
				first = config(t, text)
			}
			r := start(t, first)
			r.send(firing("income"), firing("age"))
			bystander.wait(t, 2)
			for _, p := range places {
				r.tells(p.kind.name, says(p.kind))
				if illness == "key" {
					r.tells(p.kind.name, p.kind.check)
				}
			}
			heal := func() {
				for _, p := range places {
					p.heal(t)
				}
			}
			switch illness {
			case "429": // when to come back is forgotten by a new process
				heal()
			case "hang": // the new process has patience, and nobody it should wait for in vain
				r.stop()
				heal()
				r = start(t, cfg)
			default:
				r.stop()
				r = start(t, cfg)
				heal()
			}
			for _, p := range places {
				p.expect(t, r, p.kind.fired)
			}
			if illness == "429" {
				for _, p := range places {
					p.cameLater(t)
				}
			}
			r.stop()
			r = start(t, cfg)
			bystander.quiet(t, 2)
			for _, p := range places {
				p.told(t, p.kind.fired, 0)
			}
			r.send(over(firing("income")), over(firing("age")))
			for _, p := range places {
				p.expect(t, r, p.kind.over[len(p.kind.over)-1:])
			}
			bystander.wait(t, 4)
			r.stop()
			r = start(t, cfg)
			bystander.quiet(t, 4)
			r.stop()
			for _, p := range places {
				p.told(t, p.kind.over, len(p.kind.fired))
			}
			for _, e := range r.logs.All() {
				if s := line(e); strings.Contains(s, "secret") {
					t.Errorf("the log tells a secret: %s", s)
				}
			}
		})
	}
}

// patient gives receivers a timeout that no slow machine needs: a message that is
// taken after it comes again, and rightly.
func patient(receivers string) string {
	return strings.ReplaceAll(receivers, "timeout: 3s", "timeout: 45s")
}

func mailOr(k placeKind, mail, http string) string {
	if k.ok == nil {
		return mail
	}
	return http
}

// line is all that an entry of the log says.
func line(e observer.LoggedEntry) string { return e.Message + " " + fmt.Sprint(e.ContextMap()) }

// tells waits for a line in the log about a receiver.
func (r *running) tells(receiver, part string) {
	r.t.Helper()
	if !wait.For(func() bool {
		return slices.ContainsFunc(r.logs.All(), func(e observer.LoggedEntry) bool {
			s := line(e)
			return strings.Contains(s, part) && (strings.Contains(s, "receiver:"+receiver) || strings.Contains(s, receiver+"/"))
		})
	}) {
		var lines []string
		for _, e := range r.logs.All() {
			lines = append(lines, line(e))
		}
		r.t.Errorf("no line of the log says %q of %s, but\n%s", part, receiver, strings.Join(lines, "\n"))
	}
}

// expect waits until a place was told all of what.
func (p *place) expect(t *testing.T, r *running, what []string) {
	t.Helper()
	if !wait.For(func() bool { return !slices.Contains(p.taken(what), 0) }) {
		var lines []string
		for _, e := range r.logs.All() {
			l := line(e)
			lines = append(lines, l[:min(len(l), 500)])
		}
		t.Fatalf("%s: of %q came %v\n%s", p.kind.name, what, p.taken(what), strings.Join(lines, "\n"))
	}
}

// told checks that each thing was said once since the message numbered from, the
// last of them last, and nothing else. Of two alerts that end together one may be told
// before the other: then a group says in between that it fires still, or an issue has
// two comments.
func (p *place) told(t *testing.T, what []string, from int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	count := map[string]int{}
	for _, said := range p.accepted[from:] {
		count[said]++
	}
	for _, said := range what {
		if n := count[said]; n != 1 && (said != "comment" || n != 2) {
			t.Errorf("%s was told %q %d times: %q", p.kind.name, said, n, p.accepted)
		}
		delete(count, said)
	}
	for said, n := range count {
		if from == 0 || n > 1 || !slices.Contains(p.kind.fired, said) || strings.HasPrefix(said, "age") || strings.HasPrefix(said, "income") {
			t.Errorf("%s was told %q %d times: %q", p.kind.name, said, n, p.accepted)
		}
	}
	if last := p.accepted[len(p.accepted)-1]; !slices.Contains(what, last) {
		t.Errorf("%s was told %q", p.kind.name, p.accepted)
	}
}

// cameLater checks that no request came before the time that was said.
func (p *place) cameLater(t *testing.T) {
	t.Helper()
	if p.kind.ok == nil {
		return // mail servers do not say when
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.asked[1].Sub(p.asked[0]); d < 1900*time.Millisecond {
		t.Errorf("%s was asked again after %s", p.kind.name, d)
	}
}
