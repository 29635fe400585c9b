package plan

import (
	"bytes"
	"embed"
	"fmt"
)

// The larger ones are made by the script beside each: make plans.
//
//go:embed plans/*.json
var demos embed.FS

// Demo returns one of the halls that the binary carries: "demo" is a studio of
// 100 seats, A1 to J10; "theatre" an old house with boxes and two circles,
// 1,301 seats; "arena" a bowl of two tiers, 19,872 seats.
func Demo(name string) (File, error) {
	data, err := demos.ReadFile("plans/" + name + ".json")
	if err != nil {
		return File{}, err
	}
	file, err := Read(bytes.NewReader(data))
	if err != nil {
		return File{}, fmt.Errorf("plans/%s.json: %w", name, err)
	}
	return file, nil
}
