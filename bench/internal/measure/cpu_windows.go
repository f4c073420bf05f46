package measure

import (
	"fmt"
	"syscall"
	"time"
)

// CPUTime returns the CPU time, user and system, that this process has used.
func CPUTime() time.Duration {
	var created, exited, kernel, user syscall.Filetime
	p, err := syscall.GetCurrentProcess()
	if err == nil {
		err = syscall.GetProcessTimes(p, &created, &exited, &kernel, &user)
	}
	if err != nil {
		panic(fmt.Sprintf("GetProcessTimes: %v", err))
	}
	ticks := func(t syscall.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(100 * (ticks(kernel) + ticks(user)))
}
