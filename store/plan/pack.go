package plan

import "strings"

// Pack has texts that are kept together be parts of one. What is small lies in
// memory beside whatever else was made then: the few texts that stay would hold
// the room of the many that are gone.
func Pack(texts []*string) {
	size := 0
	for _, text := range texts {
		size += len(*text)
	}
	var all strings.Builder
	all.Grow(size)
	for _, text := range texts {
		all.WriteString(*text)
	}
	rest := all.String()
	for _, text := range texts {
		n := len(*text)
		*text, rest = rest[:n], rest[n:]
	}
}
