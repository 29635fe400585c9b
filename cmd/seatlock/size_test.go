package main

import "testing"

func TestSize(t *testing.T) {
	for text, want := range map[string]size{
		"1MiB": 1 << 20, "256MiB": 256 << 20, "1GiB": 1 << 30, "1024GiB": 1024 << 30, "1048576MiB": 1024 << 30,
		"": -1, "1": -1, "1MB": -1, "1.5GiB": -1, "MiB": -1, "0GiB": -1, "1025GiB": -1, "1048577MiB": -1, "+1GiB": -1, " 1GiB": -1,
		"18446744073709551617MiB": -1,
	} {
		got := size(-1)
		err := got.Set(text)
		if got != want || (err != nil) != (want < 0) {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
		if err == nil {
			again := size(0)
			if err := again.Set(got.String()); again != got || err != nil {
				t.Errorf("%q is written %s", text, got.String())
			}
		}
	}
}
