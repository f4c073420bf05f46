package main

import (
	"fmt"
	"math"
	"slices"
)

// printTable prints the medians of the rounds, as Markdown.
func printTable(s scenario, clients []client, results map[string][]result) {
	fmt.Printf("\n### %s\n\n", s)
	if *rate > 0 {
		fmt.Println("| client | p50 µs | p99 µs | p99.9 µs | max µs | CPU µs a record | allocations | bytes allocated |")
		fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|")
	} else {
		fmt.Printf("| client | CPU ns a record | least..most | to %s | to the limit | allocations | bytes allocated | RSS MB | million a second | records a batch | batches a request | broker ns |\n", *base)
		fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	}
	for _, c := range clients {
		rs := results[c.name]
		if len(rs) == 0 {
			continue
		}
		of := func(f func(r result) float64) float64 {
			var all []float64
			for _, r := range rs {
				all = append(all, f(r))
			}
			return median(all)
		}
		cpu := of(func(r result) float64 { return r.CPUNsRec })
		allocations, bytes := of(func(r result) float64 { return r.AllocsRec }), of(func(r result) float64 { return r.AllocBytesRec })
		if *rate > 0 {
			fmt.Printf("| %s | %.0f | %.0f | %.0f | %.0f | %.1f | %.1f | %.0f |\n", c.name, of(func(r result) float64 { return r.P50us }),
				of(func(r result) float64 { return r.P99us }), of(func(r result) float64 { return r.P999us }), of(func(r result) float64 { return r.Maxus }),
				cpu/1e3, allocations, bytes)
			continue
		}
		least, most := math.Inf(1), 0.0
		for _, r := range rs {
			least, most = min(least, r.CPUNsRec), max(most, r.CPUNsRec)
		}
		fmt.Printf("| %s | %.0f | %.0f..%.0f | %s | %s | %.3f | %.0f | %.0f | %.2f | %.0f | %.1f | %.0f |\n", c.name, cpu, least, most,
			ratio(rs, results[*base]), ratio(rs, results["limit"]), allocations, bytes,
			of(func(r result) float64 { return r.PeakRSSMB }), of(func(r result) float64 { return r.RecS / 1e6 }),
			of(func(r result) float64 { return r.RecordsPerBatch }), of(func(r result) float64 { return r.BatchesPerReq }),
			of(func(r result) float64 { return r.BrokerNsRec }))
	}
}

// ratio is the median of the ratios of each round, with the least and the most of them.
func ratio(rs, base []result) string {
	var all []float64
	for _, r := range rs {
		for _, b := range base {
			if r.Round == b.Round && b.CPUNsRec > 0 {
				all = append(all, r.CPUNsRec/b.CPUNsRec)
			}
		}
	}
	if len(all) == 0 {
		return "-"
	}
	return fmt.Sprintf("**%.2f** (%.2f..%.2f)", median(all), slices.Min(all), slices.Max(all))
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	return (all[len(all)/2] + all[(len(all)-1)/2]) / 2
}
