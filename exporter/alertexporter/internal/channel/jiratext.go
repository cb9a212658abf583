package channel

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// A paragraph of an issue's text.
type paragraph struct {
	text  string
	fixed bool // in a font of one width
	links []link
}

// jiraSentence and jiraAdvice are how much of a sentence is said in an issue, and of
// what is recommended: one alert is not to take the place of all others.
const (
	jiraSentence = 4000
	jiraAdvice   = 2000
)

// say writes a group as paragraphs.
func (g *group) say() []paragraph {
	ps := []paragraph{{text: g.status() + ": " + cut(oneLine(g.title()), jiraAdvice)}}
	for i := range g.alerts {
		a := &g.alerts[i]
		lines := []string{cut(sentence(a), jiraSentence)}
		if len(g.alerts) > 1 {
			lines = []string{cut(subject(a), jiraAdvice), lines[0]}
		}
		if a.Firing() && a.Recommendation != "" {
			lines = append(lines, cut(a.Recommendation, jiraAdvice))
		}
		lines = append(lines, a.State+" "+since(a))
		ps = append(ps, paragraph{text: strings.Join(lines, "\n")})
		var fixed strings.Builder
		for _, f := range facts(a) {
			fmt.Fprintf(&fixed, "%-24s %s\n", f.name, cut(f.value, jiraAdvice))
		}
		if len(a.Evidence) > 0 {
			fixed.WriteString("\n" + table(a.Evidence, 2000))
		}
		ps = append(ps, paragraph{text: strings.TrimRight(fixed.String(), "\n"), fixed: true})
		ls := slices.DeleteFunc(links(a), func(l link) bool { return len(l.url) > jiraAdvice })
		if len(ls) > 0 {
			ps = append(ps, paragraph{links: ls})
		}
	}
	return ps
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// text writes paragraphs in the markup of the API: Atlassian's document format on
// the cloud, wiki text elsewhere. What does not fit is left out, whole paragraphs.
func (j *jira) text(ps []paragraph) any {
	size := 0
	for i := range ps {
		if size += j.size(ps[i : i+1]); size > jiraText {
			ps = append(slices.Clone(ps[:i]), paragraph{text: "There is more than fits here."})
			break
		}
	}
	if j.c.cloud() {
		return adf(ps)
	}
	return wiki(ps)
}

// size is how many characters paragraphs take, markup and all.
func (j *jira) size(ps []paragraph) int {
	if !j.c.cloud() {
		return jiraLen(wiki(ps)) + len("\n\n")
	}
	b, err := encode(adf(ps))
	if err != nil {
		return jiraText // cannot be: it is made of texts
	}
	return jiraLen(string(b))
}

// jiraLen is how many characters text has to JIRA.
func jiraLen(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// cutJira shortens text to n of JIRA's characters.
func cutJira(text string, n int) string {
	for k := n; jiraLen(text) > n; k-- {
		text = cut(text, k)
	}
	return text
}

func wiki(ps []paragraph) string {
	var b strings.Builder
	for _, p := range ps {
		switch {
		case p.fixed:
			// {noformat} ends at the next one: text may not hold it.
			b.WriteString("{noformat}\n" + strings.ReplaceAll(p.text, "{noformat}", "(noformat)") + "\n{noformat}\n")
		case p.links != nil:
			for _, l := range p.links {
				fmt.Fprintf(&b, "[%s|%s] ", l.name, strings.NewReplacer("|", "%7C", "]", "%5D", "\n", "").Replace(l.url))
			}
			b.WriteString("\n")
		default:
			b.WriteString(wikiEscape.Replace(p.text) + "\n\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// wikiEscape takes their meaning from the characters that begin links, macros
// and mentions.
var wikiEscape = strings.NewReplacer("{", `\{`, "[", `\[`, "|", `\|`, "!", `\!`)

type node map[string]any

func adf(ps []paragraph) node {
	var content []node
	for _, p := range ps {
		switch {
		case p.fixed:
			content = append(content, node{"type": "codeBlock", "content": []node{{"type": "text", "text": p.text}}})
		case p.links != nil:
			var inline []node
			for i, l := range p.links {
				if i > 0 {
					inline = append(inline, node{"type": "text", "text": "  "})
				}
				inline = append(inline, node{"type": "text", "text": l.name, "marks": []node{{"type": "link", "attrs": node{"href": l.url}}}})
			}
			content = append(content, node{"type": "paragraph", "content": inline})
		default:
			var inline []node
			for i, line := range strings.Split(p.text, "\n") {
				if i > 0 {
					inline = append(inline, node{"type": "hardBreak"})
				}
				if line != "" {
					inline = append(inline, node{"type": "text", "text": line})
				}
			}
			content = append(content, node{"type": "paragraph", "content": inline})
		}
	}
	return node{"type": "doc", "version": 1, "content": content}
}

// jsonable turns maps as YAML reads them into maps as JSON writes them.
func jsonable(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := map[string]any{}
		for k, x := range v {
			m[fmt.Sprint(k)] = jsonable(x)
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i, x := range v {
			s[i] = jsonable(x)
		}
		return s
	default:
		return v
	}
}
