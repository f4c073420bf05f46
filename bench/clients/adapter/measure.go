package adapter

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"syscall"
	"time"
)

type snap struct {
	t  time.Time
	ru syscall.Rusage
	ms runtime.MemStats
}

func takeSnap() (s snap) {
	runtime.ReadMemStats(&s.ms)
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &s.ru)
	s.t = time.Now()
	return s
}

func (r *Result) fill(a, b *snap, records, bytes int64) {
	r.Records, r.Bytes = records, bytes
	r.WallS = b.t.Sub(a.t).Seconds()
	r.UserS = seconds(b.ru.Utime) - seconds(a.ru.Utime)
	r.SysS = seconds(b.ru.Stime) - seconds(a.ru.Stime)
	n := float64(records)
	r.UserNsRec, r.SysNsRec = r.UserS*1e9/n, r.SysS*1e9/n
	r.CPUNsRec = r.UserNsRec + r.SysNsRec
	r.RecS = n / r.WallS
	r.MBs = float64(bytes) / 1e6 / r.WallS
	r.AllocsRec = float64(b.ms.Mallocs-a.ms.Mallocs) / n
	r.AllocBytesRec = float64(b.ms.TotalAlloc-a.ms.TotalAlloc) / n
	r.GC = b.ms.NumGC - a.ms.NumGC
	r.CtxSwitches = (b.ru.Nvcsw + b.ru.Nivcsw) - (a.ru.Nvcsw + a.ru.Nivcsw)
	r.PeakRSSMB = float64(b.ru.Maxrss) / 1024
}

func run(a Adapter, cfg *Config, res *Result) error {
	profile := func() func() {
		if cfg.CPUProfile == "" {
			return func() {}
		}
		f, err := os.Create(cfg.CPUProfile)
		if err != nil {
			panic(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			panic(err)
		}
		return func() { pprof.StopCPUProfile(); f.Close() }
	}
	defer func() {
		if cfg.MemProfile != "" {
			if f, err := os.Create(cfg.MemProfile); err == nil {
				_ = pprof.Lookup("allocs").WriteTo(f, 0)
				f.Close()
			}
		}
	}()
	if cfg.Mode == "consume" {
		if a.Consumer == nil {
			return fmt.Errorf("%s: no consumer", a.Name)
		}
		c, err := a.Consumer(cfg)
		if err != nil {
			return err
		}
		defer c.Close()
		if cfg.Warmup > 0 {
			if _, _, err := c.ConsumeN(cfg.Warmup); err != nil {
				return err
			}
		}
		runtime.GC()
		stop := profile()
		s0 := takeSnap()
		n, by, err := c.ConsumeN(cfg.Records)
		s1 := takeSnap()
		stop()
		if err != nil {
			return err
		}
		if by != n*int64(cfg.Size) {
			return fmt.Errorf("consumed %d records but %d value bytes, want %d", n, by, n*int64(cfg.Size))
		}
		res.fill(&s0, &s1, n, by)
		return nil
	}

	if a.Producer == nil {
		return fmt.Errorf("%s: no producer", a.Name)
	}
	values := Values(cfg.Size)
	p, err := a.Producer(cfg)
	if err != nil {
		return err
	}
	defer p.Close()
	if cfg.Rate > 0 {
		return latency(p, cfg, res, values, profile)
	}
	if cfg.Warmup > 0 {
		if err := p.ProduceN(values, cfg.Warmup); err != nil {
			return err
		}
	}
	runtime.GC()
	stop := profile()
	s0 := takeSnap()
	err = p.ProduceN(values, cfg.Records)
	s1 := takeSnap()
	stop()
	if err != nil {
		return err
	}
	res.fill(&s0, &s1, cfg.Records, cfg.Records*int64(cfg.Size))
	return nil
}

// latency produces at a fixed low rate and measures, per record, the time
// from the produce call to the completion callback.
func latency(p Producer, cfg *Config, res *Result, values [][]byte, profile func() func()) error {
	warm := cfg.Warmup
	if w := int64(cfg.Rate / 2); warm > w {
		warm = w
	}
	total := warm + cfg.Records
	lats := make([]int64, total)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var firstErr error
	interval := time.Second / time.Duration(cfg.Rate)
	pass := func(lo, hi int64) {
		begin := time.Now()
		for i := lo; i < hi; i++ {
			if d := time.Until(begin.Add(time.Duration(i-lo) * interval)); d > 0 {
				time.Sleep(d)
			}
			wg.Add(1)
			t0 := time.Now()
			p.ProduceOne(values[i%int64(len(values))], func(err error) {
				lats[i] = int64(time.Since(t0))
				if err != nil {
					mu.Lock()
					firstErr = err
					mu.Unlock()
				}
				wg.Done()
			})
		}
		wg.Wait()
	}
	pass(0, warm)
	runtime.GC()
	stop := profile()
	s0 := takeSnap()
	pass(warm, total)
	s1 := takeSnap()
	stop()
	if firstErr != nil {
		return firstErr
	}
	res.fill(&s0, &s1, cfg.Records, cfg.Records*int64(cfg.Size))
	l := lats[warm:]
	slices.Sort(l)
	q := func(f float64) float64 { return float64(l[int(f*float64(len(l)-1))]) / 1e3 }
	res.P50us, res.P99us, res.P999us, res.Maxus = q(0.5), q(0.99), q(0.999), q(1)
	return nil
}

// CPU is the CPU time that the process has used, in seconds.
func CPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return seconds(u.Utime) + seconds(u.Stime)
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
