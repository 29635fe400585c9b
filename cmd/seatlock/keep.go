package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// keeping is how long something is kept, as people write it: 90d, 36h; 0 is for
// ever.
type keeping time.Duration

const (
	wantsKeeping = "days such as 90d, a duration such as 36h, an hour at least, or never"
	day          = 24 * time.Hour
	maxKeeping   = 36500 * day
)

// Set implements flag.Value.
func (k *keeping) Set(text string) error {
	if text == "never" {
		*k = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if days, whole := strings.CutSuffix(text, "d"); whole {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 32)
		d = time.Duration(min(n, math.MaxUint16)) * day
	}
	if err != nil || d < time.Hour || d > maxKeeping {
		return errors.New("want " + wantsKeeping)
	}
	*k = keeping(d)
	return nil
}

// String implements flag.Value.
func (k *keeping) String() string {
	switch d := time.Duration(*k); {
	case d == 0:
		return "never"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	default:
		return sayDuration(d)
	}
}
