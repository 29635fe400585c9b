package plan_test

import (
	"fmt"
	"strings"
	"testing"
)

// priced returns a file with a category for each price, as CSV and as JSON.
func priced(prices ...string) (csv, json string) {
	csv, categories, seats := "row;seat;category;price\n", []string{}, []string{}
	for i, price := range prices {
		csv += fmt.Sprintf("A;%d;c%[1]d;%s\n", i, price)
		field := ""
		if price != "" {
			field = fmt.Sprintf(`,"price":%s`, strings.ReplaceAll(price, ",", "."))
		}
		categories = append(categories, fmt.Sprintf(`{"id":"c%d","name":"c%[1]d"%s}`, i, field))
		seats = append(seats, fmt.Sprintf(`{"id":"s%d","label":"%[1]d","category":"c%[1]d"}`, i))
	}
	json = fmt.Sprintf(`{"categories":[%s],"sections":[{"id":"s","name":"S","rows":[{"label":"A","seats":[%s]}]}]}`,
		strings.Join(categories, ","), strings.Join(seats, ","))
	return csv, json
}

// TestPricesIn: a whole number is in minor units, and one with decimals in main
// units, in either format and any currency.
func TestPricesIn(t *testing.T) {
	for _, c := range []struct {
		prices   []string
		currency string
		want     string // or what it is refused with
		mixed    bool
	}{
		{[]string{"2800", "0", ""}, "EUR", "map[c0:2800 c1:0]", false},
		{[]string{"28.00", "9,50", ""}, "EUR", "map[c0:2800 c1:950]", false},
		{[]string{"28.5", "0"}, "EUR", "map[c0:2850 c1:0]", false},
		{[]string{"28.00", "2800"}, "EUR", "map[c0:2800 c1:2800]", true},
		{[]string{"30", "28.50"}, "EUR", "map[c0:30 c1:2850]", true},
		{[]string{"1.500", "0.25"}, "BHD", "map[c0:1500 c1:250]", false},
		{[]string{"5000", "0"}, "JPY", "map[c0:5000 c1:0]", false},
		{[]string{"1", "5000.00"}, "JPY", "price: 5000.00: JPY has no decimals", false},
		{[]string{"28.005"}, "EUR", "price: 28.005: EUR has 2 decimals", false},
		{[]string{"1.5000"}, "BHD", "price: 1.5000: BHD has 3 decimals", false},
		{[]string{"92233720368547758.07"}, "EUR", "map[c0:9223372036854775807]", false},
		{[]string{"9223372036854775.80"}, "BHD", "map[c0:9223372036854775800]", false},
		{[]string{"92233720368547758.07"}, "BHD", "price: 92233720368547758.07: BHD has 3 decimals", false},
		{[]string{"0.5"}, "BTC", "map[c0:50]", false}, // of an event of before
	} {
		csv, json := priced(c.prices...)
		for format, text := range map[string]string{"CSV": csv, "JSON": json} {
			got, mixed, err := read(t, text).PricesIn(c.currency)
			said := fmt.Sprint(got)
			if err != nil {
				said = err.Error()
			}
			if !strings.HasSuffix(said, c.want) || mixed != c.mixed {
				t.Errorf("%s, %q in %s: %s, %t; want %s, %t", format, c.prices, c.currency, said, mixed, c.want, c.mixed)
			}
		}
	}
	csv, json := priced("1.00", "5.005")
	for text, want := range map[string]string{csv: "line 3: price: ", json: "categories[1].price: "} {
		if _, _, err := read(t, text).PricesIn("EUR"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestOddTexts: such texts are read and reported, since an existing event may
// have them.
func TestOddTexts(t *testing.T) {
	odd := "a" + strings.Repeat("\u0301", 5)
	file := read(t, "section,row,seat,category\n"+odd+",A,1,\u3164\nS,"+odd+",\u200b\u2800,C\n")
	var said []string
	for _, o := range file.Odd {
		said = append(said, o.Err.Error())
	}
	if len(said) != 4 || !strings.HasPrefix(said[0], "line 2: category: ") || !strings.HasPrefix(said[1], "line 2: section: ") ||
		!strings.HasPrefix(said[2], "line 3: row: ") || !strings.HasPrefix(said[3], "line 3: seat: ") || file.Odd[1].Text != odd {
		t.Errorf("got %q", said)
	}
	survives(t, file)
	if odd := read(t, csvFile).Odd; odd != nil {
		t.Errorf("nothing is odd, but %v", odd)
	}
}
