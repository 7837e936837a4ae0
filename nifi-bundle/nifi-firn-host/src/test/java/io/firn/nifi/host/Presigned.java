package io.firn.nifi.host;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;

/** A URL with which anyone can put one object for an hour: S3's signature version 4 in the query. */
final class Presigned {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final String REGION = "us-east-1";

    private Presigned() {
    }

    /** {@code object} is the whole address, such as http://127.0.0.1:9000/bucket/key. */
    static URI put(final URI object, final String keyId, final String secret) throws GeneralSecurityException {
        final String time = TIME.format(Instant.now());
        final String day = time.substring(0, 8);
        final String scope = day + "/" + REGION + "/s3/aws4_request";
        final String query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + URLEncoder.encode(keyId + "/" + scope, StandardCharsets.UTF_8)
                + "&X-Amz-Date=" + time + "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host";
        final String request = "PUT\n" + object.getRawPath() + "\n" + query + "\nhost:" + object.getAuthority() + "\n\nhost\nUNSIGNED-PAYLOAD";
        final byte[] hash = MessageDigest.getInstance("SHA-256").digest(request.getBytes(StandardCharsets.UTF_8));
        final String toSign = "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + HexFormat.of().formatHex(hash);
        byte[] key = ("AWS4" + secret).getBytes(StandardCharsets.UTF_8);
        for (final String part : new String[] {day, REGION, "s3", "aws4_request", toSign}) {
            key = hmac(key, part);
        }
        return URI.create(object + "?" + query + "&X-Amz-Signature=" + HexFormat.of().formatHex(key));
    }

    private static byte[] hmac(final byte[] key, final String text) throws GeneralSecurityException {
        final Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }
}
