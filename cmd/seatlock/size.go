package main

import (
	"errors"
	"strconv"
	"strings"
)

// size is a number of bytes, as people write it: 256MiB, 1GiB.
type size int64

const wantsSize = "a size from 1MiB to 1024GiB, such as 256MiB or 1GiB"

// Set implements flag.Value.
func (s *size) Set(text string) error {
	for i, unit := range []string{"MiB", "GiB"} {
		digits, found := strings.CutSuffix(text, unit)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 21)
		bytes := size(n) << (20 + 10*i)
		if err != nil || bytes < 1<<20 || bytes > 1024<<30 {
			break
		}
		*s = bytes
		return nil
	}
	return errors.New("want " + wantsSize)
}

// String implements flag.Value.
func (s *size) String() string {
	if *s > 0 && *s%(1<<30) == 0 {
		return strconv.FormatInt(int64(*s>>30), 10) + "GiB"
	}
	return strconv.FormatInt(int64(*s>>20), 10) + "MiB"
}
