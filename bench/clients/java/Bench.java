// Adapter on the official Java client: same flags and same JSON line as the
// adapters in Go (common/common.go). Differences that a virtual machine needs:
//
//   - the warm-up lasts at least --warmup-seconds (5) of the same work, whatever
//     --warmup says, and goes on (at most twice as long) until the
//     compiler threads used less than 5 % of a second, so that the timed section
//     runs compiled code; the JSON line carries the records it took
//     (warmup_records) for the runner's check;
//   - a consumer's warm-up starts again at offset 0 whenever it has read a
//     slice, so that a topic of a real broker need not be larger for it;
//   - CPU comes from /proc/self/stat (all threads: GC and JIT too), ticks of 10 ms.
//
// Variants: produce "dflt" keeps the client's own socket buffer size; consume
// "dflt" keeps that and max.poll.records=500, "bytes" deserialises to ByteBuffers
// (no copy of the value), "async" uses the newer consumer thread
// (group.protocol=consumer).

import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

public final class Bench {
    static final Map<String, String> flags = new HashMap<>();

    static String opt(String name, String def) { return flags.getOrDefault(name, def); }
    static long num(String name, long def) { return Long.parseLong(opt(name, Long.toString(def))); }

    static String topic, mode, variant;
    static int size, partitions;
    static long records, warmup, warmSeconds, warmed;

    public static void main(String[] args) throws Exception {
        if (args.length < 1 || !(args[0].equals("produce") || args[0].equals("consume"))) {
            System.err.println("usage: java produce|consume [flags]");
            System.exit(2);
        }
        mode = args[0];
        for (int i = 1; i < args.length; i++) {
            String a = args[i].replaceFirst("^--?", "");
            int eq = a.indexOf('=');
            if (eq >= 0) flags.put(a.substring(0, eq), a.substring(eq + 1));
            else if (i + 1 < args.length) flags.put(a, args[++i]);
        }
        topic = opt("topic", "bench");
        variant = opt("variant", "");
        size = (int) num("size", 100);
        partitions = (int) num("partitions", 8);
        records = num("records", 2_000_000);
        warmup = num("warmup", -1);
        if (warmup < 0) warmup = records / 5;
        warmSeconds = num("warmup-seconds", 5);
        String err = null;
        Result r = new Result();
        try {
            if (num("key-size", 0) != 0) throw new IllegalArgumentException("keys are not supported");
            if (mode.equals("produce")) produce(r);
            else if (variant.equals("bytes")) consume(r, "org.apache.kafka.common.serialization.ByteBufferDeserializer");
            else consume(r, "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        } catch (Exception e) {
            e.printStackTrace();
            err = e.toString();
        }
        System.out.println(r.json(err));
        System.out.flush();
        Runtime.getRuntime().halt(err == null ? 0 : 1);
    }

    // ---- produce

    static KafkaProducer<byte[], byte[]> newProducer() {
        Properties p = new Properties();
        String acks = opt("acks", "all");
        long buffered = num("max-buffered", 100_000);
        p.put("bootstrap.servers", opt("brokers", "127.0.0.1:47092"));
        p.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        p.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        p.put("acks", acks);
        p.put("enable.idempotence", Boolean.toString(acks.equals("all") && opt("idempotent", "true").equals("true")));
        p.put("linger.ms", Long.toString(millis(opt("linger", "5ms"))));
        p.put("batch.size", opt("batch-bytes", "1000000"));
        p.put("compression.type", opt("compression", "none"));
        // Room for the same number of records as elsewhere, at least the default.
        p.put("buffer.memory", opt("buffer-memory", Long.toString(Math.max(32L << 20, buffered * (size + 20)))));
        p.put("max.request.size", Integer.toString(16 << 20));
        p.put("enable.metrics.push", "false");
        if (!variant.equals("dflt")) p.put("send.buffer.bytes", "-1"); // let the kernel choose, as the others do
        set(p);
        return new KafkaProducer<>(p);
    }

    static final class Acked implements Callback {
        final AtomicLong n = new AtomicLong();
        volatile Exception first;

        @Override public void onCompletion(RecordMetadata m, Exception e) {
            if (e != null) first = e;
            n.incrementAndGet();
        }
    }

    static int vi;

    static void produceN(KafkaProducer<byte[], byte[]> p, byte[][] values, long n) throws Exception {
        Acked acked = new Acked();
        String t = topic;
        int at = vi;
        for (long i = 0; i < n; i++) {
            p.send(new ProducerRecord<>(t, values[at]), acked);
            if (++at == values.length) at = 0;
        }
        vi = at;
        p.flush();
        if (acked.first != null) throw acked.first;
        if (acked.n.get() != n) throw new IllegalStateException(acked.n.get() + " of " + n + " acknowledged");
    }

    static void produce(Result r) throws Exception {
        byte[][] values = values();
        int rate = (int) num("rate", 0);
        try (KafkaProducer<byte[], byte[]> p = newProducer()) {
            long k = 50_000; // grows to a second's work: a short pass ends in a flush too often, which looks like other work to the compiler
            for (Warm w = new Warm(); !w.done() || (rate == 0 && warmed < warmup); ) {
                long t = System.nanoTime();
                produceN(p, values, k);
                warmed += k;
                if (System.nanoTime() - t < 500_000_000L) k *= 2;
            }
            if (rate > 0) {
                latency(p, values, rate, r);
                return;
            }
            System.gc();
            r.begin();
            produceN(p, values, records);
            r.end(records, records * size);
        }
    }

    // latency produces at a fixed low rate and measures each record from send
    // to callback; the warm-up ends with three seconds at that rate.
    static void latency(KafkaProducer<byte[], byte[]> p, byte[][] values, int rate, Result r) throws Exception {
        pace(p, values, rate, 3L * rate, null);
        warmed += 3L * rate;
        System.gc();
        long[] lat = new long[(int) records];
        r.begin();
        pace(p, values, rate, records, lat);
        r.end(records, records * size);
        Arrays.sort(lat);
        r.lat = lat;
    }

    static void pace(KafkaProducer<byte[], byte[]> p, byte[][] values, int rate, long n, long[] lat) throws Exception {
        CountDownLatch left = new CountDownLatch((int) n);
        long begin = System.nanoTime(), step = 1_000_000_000L / rate;
        for (int i = 0; i < n; i++) {
            long d;
            while ((d = begin + i * step - System.nanoTime()) > 0) LockSupport.parkNanos(d);
            int k = i;
            long t0 = System.nanoTime();
            p.send(new ProducerRecord<>(topic, values[i % values.length]), (m, e) -> {
                if (lat != null) lat[k] = System.nanoTime() - t0;
                if (e != null) e.printStackTrace();
                left.countDown();
            });
        }
        left.await();
    }

    // ---- consume

    static void consume(Result r, String deserializer) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", opt("brokers", "127.0.0.1:47092"));
        p.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        p.put("value.deserializer", deserializer);
        p.put("max.partition.fetch.bytes", opt("fetch-bytes", Integer.toString(1 << 20)));
        p.put("check.crcs", "true");
        p.put("enable.auto.commit", "false");
        p.put("enable.metrics.push", "false");
        p.put("auto.offset.reset", "earliest");
        if (!variant.equals("dflt")) {
            p.put("receive.buffer.bytes", "-1");
            p.put("max.poll.records", "10000");
        }
        if (variant.equals("async")) p.put("group.protocol", "consumer");
        set(p);
        List<TopicPartition> all = new ArrayList<>();
        for (int i = 0; i < partitions; i++) all.add(new TopicPartition(topic, i));
        try (KafkaConsumer<byte[], Object> c = new KafkaConsumer<>(p)) {
            c.assign(all);
            for (TopicPartition tp : all) c.seek(tp, 0);
            long slice = Math.max(warmup, Math.min(2_000_000, (1L << 30) / size));
            for (Warm w = new Warm(); ; ) {
                warmed += consumeN(c, slice)[0];
                if (w.done()) break;
                for (TopicPartition tp : all) c.seek(tp, 0);
            }
            System.gc();
            r.begin();
            long[] got = consumeN(c, records);
            r.end(got[0], got[1]);
            if (got[1] != got[0] * size) throw new IllegalStateException("consumed " + got[0] + " records but " + got[1] + " value bytes");
        }
    }

    static long sum;

    static long[] consumeN(KafkaConsumer<byte[], Object> c, long n) {
        long got = 0, bytes = 0, s = 0;
        boolean bb = variant.equals("bytes");
        Duration wait = Duration.ofMillis(100);
        while (got < n) {
            for (ConsumerRecord<byte[], Object> rec : c.poll(wait)) {
                got++;
                if (bb) {
                    ByteBuffer v = (ByteBuffer) rec.value();
                    bytes += v.remaining();
                    s += v.get(v.position());
                } else {
                    byte[] v = (byte[]) rec.value();
                    bytes += v.length;
                    s += v[0];
                }
            }
        }
        sum += s;
        return new long[] {got, bytes};
    }

    // set applies --conf=key=value;key=value.
    static void set(Properties p) {
        for (String kv : opt("conf", "").split(";")) {
            int eq = kv.indexOf('=');
            if (eq > 0) p.put(kv.substring(0, eq), kv.substring(eq + 1));
        }
    }

    static long millis(String d) {
        if (d.endsWith("ms")) return Math.round(Double.parseDouble(d.substring(0, d.length() - 2)));
        if (d.endsWith("s")) return Math.round(1000 * Double.parseDouble(d.substring(0, d.length() - 1)));
        return Math.round(Double.parseDouble(d));
    }

    // ---- payload: the bytes of --values (which the runner writes, so that all
    // clients send the same), else the generator of common.go with another
    // random source.

    static byte[][] values() throws IOException {
        String f = opt("values", "");
        if (!f.isEmpty()) {
            byte[] all = Files.readAllBytes(Path.of(f));
            byte[][] out = new byte[all.length / size][];
            for (int i = 0; i < out.length; i++) out[i] = Arrays.copyOfRange(all, i * size, (i + 1) * size);
            return out;
        }
        int n = Math.min(65536, Math.max(64, (4 << 20) / Math.max(size, 1))) | 1;
        SplittableRandom r = new SplittableRandom(42);
        byte[][] out = new byte[n][];
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < n; i++) {
            b.setLength(0);
            b.append("{\"id\":\"");
            hex(b, r.nextLong());
            b.append("\",\"ts\":").append(1_700_000_000_000L + r.nextInt(1_000_000_000));
            b.append(",\"user\":").append(r.nextInt(1_000_000));
            b.append(",\"event\":\"").append(EVENTS[r.nextInt(EVENTS.length)]).append('"');
            while (b.length() < size) {
                b.append(",\"").append(WORDS[r.nextInt(WORDS.length)]).append("\":");
                switch (r.nextInt(4)) {
                    case 0 -> b.append(r.nextInt(100_000));
                    case 1 -> { b.append('"'); hex(b, r.nextLong() >>> 24); b.append('"'); }
                    default -> b.append('"').append(WORDS[r.nextInt(WORDS.length)]).append(' ').append(WORDS[r.nextInt(WORDS.length)]).append('"');
                }
            }
            out[i] = b.substring(0, size).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        }
        return out;
    }

    static final String[] EVENTS = {"page_view", "click", "add_to_cart", "purchase", "login", "logout", "search", "heartbeat"};
    static final String[] WORDS = ("order item price stock region status pending shipped delivered customer account session device mobile desktop campaign referral discount currency quantity warehouse courier address invoice payment refund catalog product variant category").split(" ");

    static void hex(StringBuilder b, long v) {
        for (int i = 0; i < 16; i++) {
            b.append("0123456789abcdef".charAt((int) (v & 15)));
            v >>>= 4;
            if (v == 0) break;
        }
    }

    // ---- measuring frame

    // Warm says when the virtual machine is warm.
    static final class Warm {
        final long begin = System.nanoTime();
        long at = begin;
        double jit = Result.jitCPU();

        boolean done() {
            long now = System.nanoTime();
            if (now - at < 1_000_000_000L) return now - begin > 2 * warmSeconds * 1_000_000_000L;
            double j = Result.jitCPU(), share = (j - jit) * 1e9 / (now - at);
            at = now;
            jit = j;
            return now - begin >= warmSeconds * 1_000_000_000L && share < 0.05 || now - begin > 2 * warmSeconds * 1_000_000_000L;
        }
    }

    static final class Result {
        long n, bytes;
        double wall, user, sys;
        long alloc, gcs, gcMs, jitMs, cs;
        long[] lat;

        static double[] cpu() { // user, system seconds
            try {
                String s = Files.readString(Path.of("/proc/self/stat"));
                String[] f = s.substring(s.lastIndexOf(')') + 2).split(" ");
                return new double[] {Long.parseLong(f[11]) / 100.0, Long.parseLong(f[12]) / 100.0};
            } catch (IOException e) {
                throw new RuntimeException(e);
            }
        }

        static long allocated() {
            var t = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
            long s = 0;
            for (long b : t.getThreadAllocatedBytes(t.getAllThreadIds())) s += Math.max(b, 0);
            return s;
        }

        static long[] gc() {
            long k = 0, ms = 0;
            for (GarbageCollectorMXBean b : ManagementFactory.getGarbageCollectorMXBeans()) {
                k += b.getCollectionCount();
                ms += b.getCollectionTime();
            }
            return new long[] {k, ms};
        }

        static double jitCPU() { // seconds of the compiler threads
            double ticks = 0;
            for (String t : new java.io.File("/proc/self/task").list()) {
                try {
                    String s = Files.readString(Path.of("/proc/self/task/" + t + "/stat"));
                    if (!s.contains("(C1 Comp") && !s.contains("(C2 Comp")) continue;
                    String[] f = s.substring(s.lastIndexOf(')') + 2).split(" ");
                    ticks += Long.parseLong(f[11]) + Long.parseLong(f[12]);
                } catch (IOException e) { /* a thread that ended */ }
            }
            return ticks / 100;
        }

        static long status(String path, String key) {
            try {
                for (String l : Files.readAllLines(Path.of(path)))
                    if (l.startsWith(key)) return Long.parseLong(l.replaceAll("[^0-9]", ""));
            } catch (IOException e) { /* a thread that ended */ }
            return 0;
        }

        static long switches() {
            long s = 0;
            String[] ts = new java.io.File("/proc/self/task").list();
            for (String t : ts) {
                String p = "/proc/self/task/" + t + "/status";
                s += status(p, "voluntary_ctxt_switches") + status(p, "nonvoluntary_ctxt_switches");
            }
            return s;
        }

        void begin() {
            cs = -switches();
            alloc = -allocated();
            long[] g = gc();
            gcs = -g[0];
            gcMs = -g[1];
            jitMs = -Math.round(1000 * jitCPU());
            double[] c = cpu();
            user = -c[0];
            sys = -c[1];
            wall = -System.nanoTime();
        }

        void end(long records, long by) {
            wall = (wall + System.nanoTime()) / 1e9;
            double[] c = cpu();
            user += c[0];
            sys += c[1];
            jitMs += Math.round(1000 * jitCPU());
            long[] g = gc();
            gcs += g[0];
            gcMs += g[1];
            alloc += allocated();
            cs += switches();
            n = records;
            bytes = by;
        }

        String json(String err) {
            StringBuilder b = new StringBuilder("{");
            str(b, "client", "java" + (variant.isEmpty() ? "" : "/" + variant));
            str(b, "client_version", version());
            str(b, "go", "java " + System.getProperty("java.version"));
            str(b, "mode", mode);
            str(b, "compression", opt("compression", "none"));
            val(b, "value_size", size);
            val(b, "partitions", partitions);
            val(b, "warmup_records", warmed);
            val(b, "ctx_switches", cs);
            val(b, "gc_cycles", gcs);
            if (n > 0) {
                val(b, "records", n);
                val(b, "bytes", bytes);
                dbl(b, "wall_s", wall);
                dbl(b, "user_s", user);
                dbl(b, "sys_s", sys);
                dbl(b, "cpu_ns_per_rec", (user + sys) * 1e9 / n);
                dbl(b, "user_ns_per_rec", user * 1e9 / n);
                dbl(b, "sys_ns_per_rec", sys * 1e9 / n);
                dbl(b, "jit_ns_per_rec", jitMs * 1e6 / n); // contained in cpu_ns_per_rec
                dbl(b, "records_per_s", n / wall);
                dbl(b, "mb_per_s", bytes / 1e6 / wall);
                dbl(b, "allocs_per_rec", -1);
                dbl(b, "alloc_bytes_per_rec", (double) alloc / n);
            }
            if (lat != null) {
                dbl(b, "p50_us", q(0.5));
                dbl(b, "p99_us", q(0.99));
                dbl(b, "p999_us", q(0.999));
                dbl(b, "max_us", q(1));
            }
            dbl(b, "peak_rss_mb", status("/proc/self/status", "VmHWM") / 1024.0);
            if (err != null) str(b, "error", err);
            StringBuilder gcNames = new StringBuilder();
            for (GarbageCollectorMXBean g : ManagementFactory.getGarbageCollectorMXBeans()) gcNames.append(g.getName()).append(' ');
            str(b, "note", "JIT " + jitMs + " ms CPU and GC " + gcMs + " ms in the timed section; " + gcNames);
            b.setCharAt(b.length() - 1, '}');
            return b.toString();
        }

        static String version() {
            Properties p = new Properties();
            try (var in = KafkaProducer.class.getResourceAsStream("/kafka/kafka-version.properties")) {
                p.load(in);
            } catch (IOException e) { /* stays empty */ }
            return p.getProperty("version", "");
        }

        double q(double f) { return lat[(int) (f * (lat.length - 1))] / 1e3; }
        static void str(StringBuilder b, String k, String v) { b.append('"').append(k).append("\":\"").append(v.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", " ")).append("\","); }
        static void val(StringBuilder b, String k, long v) { b.append('"').append(k).append("\":").append(v).append(','); }
        static void dbl(StringBuilder b, String k, double v) { b.append(String.format(Locale.ROOT, "\"%s\":%.4f,", k, v)); }
    }
}
