import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Compresses and decompresses with Kafka's own classes, of any release from 0.8.2 on. They moved
 * and changed often, so they are looked up by what they are called and take.
 *
 * Usage: java -cp 'lib/*' Compression.java make
 * prints what payloads compress to: codec, level (0 for the default), magic, payload and hex,
 * separated by tabs.
 *
 * Usage: java -cp 'lib/*' Compression.java read
 * reads lines of codec, magic and hex, and prints for each the length and the SHA-256 of what
 * it decompresses to, or "error" and the error.
 */
public class Compression {
    static final String[] CODECS = {"gzip", "snappy", "lz4", "zstd"};
    static final String[] PAYLOADS = {"text:0", "text:1", "text:100", "noise:500", "zeros:140000", "text:20000"};

    public static void main(String[] args) throws Exception {
        if (args[0].equals("make")) {
            make();
        } else {
            read();
        }
    }

    static void make() throws Exception {
        for (String codec : CODECS) {
            if (codec.equals("zstd") && !has("com.github.luben.zstd.Zstd")) {
                continue; // before 2.1
            }
            for (String payload : PAYLOADS) {
                print(codec, 0, (byte) 2, payload);
            }
            if (codec.equals("lz4")) { // the only one that differs by magic
                print(codec, 0, (byte) 0, "text:100");
            }
            if (levels() && !codec.equals("snappy")) {
                print(codec, 1, (byte) 2, "text:5000");
                print(codec, codec.equals("gzip") ? 9 : codec.equals("lz4") ? 17 : 22, (byte) 2, "text:5000");
            }
        }
    }

    static void print(String codec, int level, byte magic, String payload) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        try (OutputStream out = output(codec, level, magic, buffer)) {
            out.write(payload(payload));
        }
        System.out.println(codec + "\t" + level + "\t" + magic + "\t" + payload + "\t" + HexFormat.of().formatHex(buffer.array(), 0, buffer.position()));
    }

    static void read() throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] fields = line.split("\t", -1);
            try (InputStream in = input(fields[0], Byte.parseByte(fields[1]), ByteBuffer.wrap(HexFormat.of().parseHex(fields[2])))) {
                ByteArrayOutputStream all = new ByteArrayOutputStream();
                byte[] some = new byte[10_000];
                for (int n = in.read(some); n >= 0; n = in.read(some)) {
                    all.write(some, 0, n);
                }
                byte[] sum = MessageDigest.getInstance("SHA-256").digest(all.toByteArray());
                System.out.println(all.size() + "\t" + HexFormat.of().formatHex(sum));
            } catch (Throwable e) {
                while (e.getCause() != null) {
                    e = e.getCause();
                }
                System.out.println("error\t" + e.toString().replaceAll("\\s+", " "));
            }
        }
    }

    /** A payload is so many bytes of something, "text:100". The test makes the same. */
    static byte[] payload(String name) {
        String[] parts = name.split(":");
        byte[] bytes = new byte[Integer.parseInt(parts[1])];
        long x = 1;
        StringBuilder text = new StringBuilder();
        if (parts[0].equals("text")) {
            for (int i = 0; text.length() < bytes.length; i++) {
                x = x * 6364136223846793005L + 1442695040888963407L;
                text.append("{\"order\":").append(i).append(",\"customer\":").append(x >>> 58).append(",\"paid\":").append(x < 0).append("}\n");
            }
            return Arrays.copyOf(text.toString().getBytes(), bytes.length);
        }
        if (parts[0].equals("noise")) {
            for (int i = 0; i < bytes.length; i++) {
                x = x * 6364136223846793005L + 1442695040888963407L;
                bytes[i] = (byte) (x >>> 56);
            }
        }
        return bytes;
    }

    static OutputStream output(String codec, int level, byte magic, ByteBuffer buffer) throws Exception {
        return (OutputStream) call("wrapForOutput", codec, level, magic, stream("ByteBufferOutputStream", buffer));
    }

    static InputStream input(String codec, byte magic, ByteBuffer buffer) throws Exception {
        return (InputStream) call("wrapForInput", codec, 0, magic, buffer, stream("ByteBufferInputStream", buffer));
    }

    /** Makes a stream of Kafka's, which takes the buffer, and a factor in some releases. */
    static Object stream(String name, ByteBuffer buffer) throws Exception {
        Class<?> type = find("org.apache.kafka.common.utils.internals." + name, "org.apache.kafka.common.utils." + name, "org.apache.kafka.common.record." + name);
        for (Constructor<?> c : type.getDeclaredConstructors()) {
            if (c.getParameterCount() == 1 && c.getParameterTypes()[0] == ByteBuffer.class) {
                c.setAccessible(true);
                return c.newInstance(buffer);
            }
        }
        throw new NoSuchMethodException(type + "(ByteBuffer)");
    }

    /** Calls the method of Kafka's that wraps a stream or a buffer, and gives it what it asks for. */
    static Object call(String name, String codec, int level, byte magic, Object... wrapped) throws Exception {
        Object type = find("org.apache.kafka.common.record.internal.CompressionType", "org.apache.kafka.common.record.CompressionType")
            .getMethod("forName", String.class).invoke(null, codec);
        Object target = type;
        Class<?> owner = type.getClass();
        if (levels()) {
            Object builder = Class.forName("org.apache.kafka.common.compress.Compression").getMethod(codec).invoke(null);
            if (level != 0) {
                find(builder.getClass(), "level").invoke(builder, level);
            }
            target = find(builder.getClass(), "build").invoke(builder);
            owner = target.getClass();
        } else if (!has("org.apache.kafka.common.record.DefaultRecordBatch")) { // before 0.11
            owner = find("org.apache.kafka.common.record.Compressor", "org.apache.kafka.common.record.MemoryRecordsBuilder");
        }
        Method m = find(owner, name);
        Object[] args = new Object[m.getParameterCount()];
        for (int i = 0; i < args.length; i++) {
            Class<?> wanted = m.getParameterTypes()[i];
            if (wanted.isInstance(type)) {
                args[i] = type;
            } else if (wanted == byte.class) {
                args[i] = magic;
            } else if (wanted == int.class) {
                args[i] = 1024; // a buffer's size
            } else {
                for (Object w : wrapped) {
                    if (wanted.isInstance(w)) {
                        args[i] = w;
                    }
                }
                if (args[i] == null) { // BufferSupplier
                    args[i] = wanted.getField("NO_CACHING").get(null);
                }
            }
        }
        return m.invoke(target, args);
    }

    static Method find(Class<?> owner, String name) throws NoSuchMethodException {
        for (Class<?> c = owner; c != null; c = c.getSuperclass()) {
            for (Method m : c.getDeclaredMethods()) {
                if (m.getName().equals(name) && !Modifier.isAbstract(m.getModifiers()) && !m.isBridge()) {
                    m.setAccessible(true);
                    return m;
                }
            }
        }
        throw new NoSuchMethodException(owner + "." + name);
    }

    /** Since 3.8 compression has levels (KIP-390). */
    static boolean levels() {
        return has("org.apache.kafka.common.compress.Compression");
    }

    static boolean has(String... names) {
        for (String name : names) {
            try {
                Class.forName(name, false, Compression.class.getClassLoader());
            } catch (ClassNotFoundException e) {
                return false;
            }
        }
        return true;
    }

    static Class<?> find(String... names) throws ClassNotFoundException {
        for (String name : names) {
            if (has(name)) {
                return Class.forName(name);
            }
        }
        throw new ClassNotFoundException(names[0]);
    }
}
