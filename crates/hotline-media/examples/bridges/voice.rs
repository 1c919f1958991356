//! A second of something like a voice in each codec, encoded beforehand.

use hotline_media::Codec;
use hotline_media::codec::Encoder;
use hotline_media::tone::Oscillator;

/// The payloads of 50 frames: two tones whose loudness swells over breath. To the codecs it is as much work as a
/// voice.
pub(crate) fn voice(codec: Codec) -> Vec<Vec<u8>> {
    let rate = if codec == Codec::G722 { 16_000 } else { 8_000 };
    let Ok(mut encoder) = Encoder::new(codec, rate) else {
        return vec![Vec::new()];
    };
    let mut tones = [210, 640].map(|hz| Oscillator::new(hz, 15, rate));
    let mut seed = 1u32;
    (0..50)
        .map(|frame| {
            let swell = 0.6 + 0.4 * (f64::from(frame) * 0.7).sin();
            let samples: Vec<i16> = (0..rate / 50)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let breath = f64::from(seed >> 22) - 512.0;
                    (swell * tones.iter_mut().map(Oscillator::advance).sum::<f64>() + breath) as i16
                })
                .collect();
            let mut payload = Vec::new();
            // A codec that refuses gives an empty packet, and the count of packets shows it.
            let _ = encoder.encode(&samples, &mut payload);
            payload
        })
        .collect()
}
