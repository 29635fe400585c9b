package plan

import (
	"regexp"
	"strconv"
	"strings"
)

// readArray reads the bare array of seats that many tutorials use:
// [{"seatNumber":"A1","status":"available"}, …]. It makes one section and one
// category, without a price. Other fields are ignored: such files come out of
// databases.
func readArray(b *builder, data []byte) error {
	const rowLength = 20 // for seats whose numbers name no row
	var in []struct {
		SeatNumber string `json:"seatNumber"`
		Status     string `json:"status"`
	}
	if err := decode(data, &in, false); err != nil {
		return err
	}
	file := func(field string) string { return field }
	b.category(file, Category{ID: "standard", Name: "Standard"}, nil)
	b.section(file, "hall", "Hall")
	numbered := regexp.MustCompile(`^([A-Za-z]{1,3})[ ._-]?([0-9]{1,4})$`)
	plain, seats := 0, make([]arraySeat, len(in))
	for i, s := range in {
		seats[i] = arraySeat{at: seatNumber(at("[%d]", i)), id: placeholder(s.SeatNumber), label: s.SeatNumber, status: s.Status}
		if parts := numbered.FindStringSubmatch(strings.TrimSpace(s.SeatNumber)); parts != nil {
			seats[i].row, seats[i].label = strings.ToUpper(parts[1]), parts[2]
		} else {
			seats[i].row = strconv.Itoa(plain/rowLength + 1)
			plain++
		}
	}
	for _, row := range group(seats, func(s arraySeat) string { return s.row }) {
		b.row(row[0].at, row[0].row)
		for _, s := range row {
			b.seat(s.at, Seat{ID: s.id, Label: s.label, Category: "standard"}, nil, nil)
		}
	}
	for _, s := range seats {
		switch s.status {
		case "available", "locked": // locks of another system do not count here
		case "booked":
			b.withhold(s.at("status"), s.id)
		default:
			b.fail(s.at("status"), "%.40q: want available, locked or booked", s.status)
		}
	}
	return nil
}

type arraySeat struct {
	at                     locator
	id, row, label, status string
}

// seatNumber names fields in errors as the array does.
func seatNumber(where locator) locator {
	return func(field string) string {
		if field == "id" || field == "label" {
			field = "seatNumber"
		}
		return where(field)
	}
}
