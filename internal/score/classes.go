package score

import (
	"cmp"
	"slices"
)

// OtherClass names the class that stands for all classes beyond the list.
const OtherClass = "other"

// DefaultClasses is the default limit of a list of classes.
const DefaultClasses = 50

// Classes is the fixed list of classes of a multiclass output, taken from the
// reference. It never changes, so goroutines may share it.
type Classes struct {
	names []string // ascending, then OtherClass
	index map[string]int
}

// NewClasses returns the list of the most frequent classes, at most limit of
// them (0 for DefaultClasses), in ascending order; of equally frequent ones the
// first in that order stay. The empty string is no class. A class that is itself
// called "other" is not told apart from those beyond the list.
func NewClasses(frequency map[string]uint64, limit int) *Classes {
	if limit <= 0 {
		limit = DefaultClasses
	}
	names := make([]string, 0, len(frequency)+1)
	for name := range frequency {
		if name != "" && name != OtherClass {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(frequency[b], frequency[a]), cmp.Compare(a, b))
	})
	names = names[:min(len(names), limit)]
	slices.Sort(names)
	return ClassesOf(names)
}

// ClassesOf returns the list of these classes, different from each other and in
// this order, as Names returned them; OtherClass is added if it is not the last.
func ClassesOf(names []string) *Classes {
	c := &Classes{names: slices.Clone(names), index: make(map[string]int, len(names))}
	if n := len(names); n == 0 || names[n-1] != OtherClass {
		c.names = append(c.names, OtherClass)
	}
	for i, name := range c.names {
		c.index[name] = i
	}
	return c
}

// Len returns the number of classes, OtherClass included.
func (c *Classes) Len() int { return len(c.names) }

// Names returns the classes, OtherClass last. The slice belongs to the list:
// read only.
func (c *Classes) Names() []string { return c.names }

// Other returns the number of OtherClass: the last.
func (c *Classes) Other() int { return len(c.names) - 1 }

// Index returns the number of a class, that of OtherClass for classes beyond the
// list. It does not allocate.
func (c *Classes) Index(name string) int {
	if i, ok := c.index[name]; ok {
		return i
	}
	return c.Other()
}
