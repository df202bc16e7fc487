//! Activations as bytes.

/// Puts the members' rows, which lie one member after the other, side by side.
pub(crate) fn interleave(gathered: &[u8], widths: &[usize], rows: usize, output: &mut [f32]) {
    let total: usize = widths.iter().sum();
    let (mut source, mut column) = (0, 0);
    for width in widths {
        for row in 0..rows {
            let length = width * size_of::<f32>();
            let target = row * total + column;
            bytes_of_mut(&mut output[target..target + width]).copy_from_slice(&gathered[source..source + length]);
            source += length;
        }
        column += width;
    }
}

// Activations are little-endian F32 on the wire, and these are their bytes in memory.
#[cfg(target_endian = "big")]
compile_error!("activations are sent as they lie in memory; a big-endian port must swap bytes here");

pub(crate) fn bytes_of(values: &[f32]) -> &[u8] {
    // SAFETY: any float is four valid bytes, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

pub(crate) fn bytes_of_mut(values: &mut [f32]) -> &mut [u8] {
    // SAFETY: as above, and any four bytes are a valid float.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathered_rows_are_put_side_by_side() {
        // Two rows; members of widths 2, 0 and 1.
        let gathered = [1.0_f32, 2.0, 3.0, 4.0, 10.0, 20.0];
        let mut output = [0.0; 6];
        interleave(bytes_of(&gathered), &[2, 0, 1], 2, &mut output);
        assert_eq!(output, [1.0, 2.0, 10.0, 3.0, 4.0, 20.0]);
    }
}
