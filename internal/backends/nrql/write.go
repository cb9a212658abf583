package nrql

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/driftmeter/driftmeter/internal/backends"
)

const about = `Alert conditions of New Relic for the metrics of Driftmeter, made by "driftmeter export rules".

They hold the latest window against fixed numbers. The newrelic exporter also opens incidents
for the alerts that Driftmeter raises itself, of all monitors: do not send both to the same
people.`

// Conditions returns the conditions of the monitors of some models: as mutations
// for NerdGraph, and for Terraform.
func Conditions(models []backends.Model) ([]backends.File, error) {
	var files []backends.File
	for _, m := range models {
		if len(m.Definition.Monitors) == 0 {
			continue
		}
		p := policyOf(m)
		name := "driftmeter-" + p.id
		files = append(files, backends.File{Name: name + ".graphql", Content: []byte(p.graphql())}, backends.File{Name: name + ".tf", Content: []byte(p.terraform())})
	}
	return files, nil
}

// preamble is the comment at the top of a file.
func (p policy) preamble() string {
	text := about
	if len(p.cannot) > 0 {
		text += "\n\nNot in this file, since a condition cannot say it; Driftmeter's own alerts do:\n  " + strings.Join(p.cannot, "\n  ")
	}
	return comment("", strings.Split(text, "\n"))
}

// comment writes lines as comments, which both languages begin alike.
func comment(indent string, lines []string) string {
	var out strings.Builder
	for _, l := range lines {
		out.WriteString(strings.TrimRight(indent+"# "+l, " ") + "\n")
	}
	return out.String()
}

// graphql writes two operations: the one that makes the policy, and the one that
// makes the conditions in it.
func (p policy) graphql() string {
	var out strings.Builder
	out.WriteString(p.preamble())
	fmt.Fprintf(&out, `
mutation Policy($accountId: Int!) {
  alertsPolicyCreate(accountId: $accountId, policy: {name: %s, incidentPreference: PER_CONDITION_AND_TARGET}) {
    id
    name
  }
}
`, text(p.name))
	if len(p.conditions) == 0 {
		return out.String()
	}
	out.WriteString("\n# policyId is what the first operation answers.\nmutation Conditions($accountId: Int!, $policyId: ID!) {\n")
	for i, c := range p.conditions {
		out.WriteString(comment("  ", c.notes))
		fmt.Fprintf(&out, `  c%d: alertsNrqlConditionStaticCreate(accountId: $accountId, policyId: $policyId, condition: {
    name: %s
    description: %s
    enabled: true
    nrql: {query: %s}
    signal: {aggregationWindow: %d, aggregationMethod: EVENT_TIMER, aggregationTimer: %d, fillOption: NONE}
    expiration: {expirationDuration: %d, closeViolationsOnExpiration: true, openViolationOnExpiration: false}
    terms: [{priority: %s, operator: %s, threshold: %s, thresholdDuration: %d, thresholdOccurrences: AT_LEAST_ONCE}]
    violationTimeLimitSeconds: %d
`, i+1, text(c.name), text(c.description), text(c.query), aggregationWindow, aggregationTimer, int(c.expiration.Seconds()),
			c.priority, c.operator, decimal(c.threshold), aggregationWindow, int(violationLimit.Seconds()))
		if c.runbook != "" {
			fmt.Fprintf(&out, "    runbookUrl: %s\n", text(c.runbook))
		}
		out.WriteString("  }) {\n    id\n    name\n  }\n")
	}
	out.WriteString("}\n")
	return out.String()
}

// terraform writes the same for New Relic's provider.
func (p policy) terraform() string {
	var out strings.Builder
	out.WriteString(p.preamble())
	id := "driftmeter_" + strings.ReplaceAll(p.id, "-", "_")
	fmt.Fprintf(&out, `
resource "newrelic_alert_policy" %s {
  name                = %s
  incident_preference = "PER_CONDITION_AND_TARGET"
}
`, text(id), template(p.name))
	for i, c := range p.conditions {
		out.WriteString("\n" + comment("", c.notes))
		fmt.Fprintf(&out, "resource \"newrelic_nrql_alert_condition\" %s {\n", text(fmt.Sprintf("%s_%d", id, i+1)))
		row := func(name, value string) { fmt.Fprintf(&out, "  %-30s = %s\n", name, value) }
		row("policy_id", "newrelic_alert_policy."+id+".id")
		row("type", `"static"`)
		row("name", template(c.name))
		row("description", template(c.description))
		if c.runbook != "" {
			row("runbook_url", template(c.runbook))
		}
		row("enabled", "true")
		row("aggregation_window", strconv.Itoa(aggregationWindow))
		row("aggregation_method", `"event_timer"`)
		row("aggregation_timer", strconv.Itoa(aggregationTimer))
		row("fill_option", `"none"`)
		row("expiration_duration", strconv.Itoa(int(c.expiration.Seconds())))
		row("close_violations_on_expiration", "true")
		row("open_violation_on_expiration", "false")
		row("violation_time_limit_seconds", strconv.Itoa(int(violationLimit.Seconds())))
		fmt.Fprintf(&out, `
  nrql {
    query = %s
  }

  %s {
    operator              = %q
    threshold             = %s
    threshold_duration    = %d
    threshold_occurrences = "at_least_once"
  }
}
`, template(c.query), strings.ToLower(c.priority), strings.ToLower(c.operator), decimal(c.threshold), aggregationWindow)
	}
	return out.String()
}

// text writes a string of GraphQL, which is that of JSON.
func text(s string) string {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can be encoded
	return strings.TrimSuffix(out.String(), "\n")
}

// template writes a string of Terraform, where ${ and %{ begin something else.
func template(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text(s))
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
