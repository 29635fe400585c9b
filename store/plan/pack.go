package plan

import "strings"

// Pack moves texts that are kept together into one allocation. Left alone, a few
// small ones that stay would hold the memory of the many around them that do not.
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
