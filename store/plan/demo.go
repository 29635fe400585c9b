package plan

import (
	"bytes"
	_ "embed"
	"fmt"
)

//go:embed plans/demo.json
var demoJSON []byte

// Demo returns the hall of the demo event: 100 seats, A1 to J10.
func Demo() (File, error) {
	file, err := Read(bytes.NewReader(demoJSON))
	if err != nil {
		return File{}, fmt.Errorf("plans/demo.json: %w", err)
	}
	return file, nil
}
