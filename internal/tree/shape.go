package tree

// shape is what is known of the objects at one place: the names of the members,
// as the one before had them.
type shape struct {
	names    []string
	distinct int      // of names, from the first on, no two are the same
	subs     []*shape // below each
	elements *shape   // of an array
}

// Bounds of what a parser remembers. What goes beyond is read as well, but slower.
const (
	maxNames  = 8192
	maxLength = 256 // of a name
)

// expected tells whether a name is that which stood at place k before. b begins
// after its opening quote; end is the index after its closing one, 0 if it is not.
func (s *shape) expected(k int, b []byte) (name string, end int) {
	if s == nil || k >= len(s.names) {
		return "", 0
	}
	name = s.names[k]
	if n := len(name); n < len(b) && b[n] == '"' && string(b[:n]) == name {
		return name, n + 1
	}
	return "", 0
}

// learn remembers the name at place k.
func (p *Parser) learn(s *shape, k int, name string) {
	if s == nil {
		return
	}
	s.distinct = min(s.distinct, k)
	switch {
	case len(name) > maxLength || !plain(name):
		p.cut(s, k)
	case k < len(s.names):
		s.names[k] = name
	case k == len(s.names) && p.shapes < maxNames:
		s.names = append(s.names, name)
		p.shapes++
	}
}

// plain tells whether a name is written as it is: one with escapes is not compared
// with what comes.
func plain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c == '"' || c == '\\' || c < ' ' {
			return false
		}
	}
	return true
}

// cut forgets the names from place k on.
func (p *Parser) cut(s *shape, k int) {
	if k < len(s.names) {
		p.shapes -= len(s.names) - k
		s.names = s.names[:k]
	}
}

// checked says that the members of an object have been looked at for names that
// are there twice, and that these are left.
func (p *Parser) checked(s *shape, left []Node) {
	if s == nil {
		return
	}
	p.cut(s, len(left))
	for i := range s.names {
		if s.names[i] != left[i].Name { // one was there twice
			p.cut(s, i)
			break
		}
	}
	s.distinct = len(s.names)
}

// below returns the shape of what stands at place k, −1 for the elements of an
// array.
func (p *Parser) below(s *shape, k int) *shape {
	if s == nil {
		return nil
	}
	if k < 0 {
		if s.elements == nil {
			s.elements = &shape{}
		}
		return s.elements
	}
	if k >= len(s.names) {
		return nil
	}
	for len(s.subs) <= k {
		s.subs = append(s.subs, nil)
	}
	if s.subs[k] == nil {
		s.subs[k] = &shape{}
	}
	return s.subs[k]
}

// name returns text as a string that stays, the same one each time.
func (p *Parser) name(text []byte) string {
	if s, ok := p.names[string(text)]; ok {
		return s
	}
	s := string(text)
	if len(p.names) < maxNames && len(s) <= maxLength {
		p.names[s] = s
	}
	return s
}
