//! Functions of numbers and of groups of columns, in double precision.

use shoal_program::ElementwiseFunction;

pub(crate) fn map(input: &[f32], function: impl Fn(f64) -> f64) -> Vec<f32> {
    input.iter().map(|value| function(f64::from(*value)) as f32).collect()
}

pub(crate) fn zip(left: &[f32], right: &[f32], function: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    left.iter()
        .zip(right)
        .map(|(left, right)| function(*left, *right))
        .collect()
}

/// Applies a function to each group of columns, with the column within the group.
pub(crate) fn per_group(
    input: &[f32],
    size: usize,
    function: impl Fn(&[f32]) -> Box<dyn Fn(usize, f64) -> f64>,
) -> Vec<f32> {
    let mut result = Vec::with_capacity(input.len());
    for group in input.chunks_exact(size) {
        let function = function(group);
        result.extend(
            group
                .iter()
                .enumerate()
                .map(|(index, value)| function(index, f64::from(*value)) as f32),
        );
    }
    result
}

pub(crate) fn sum_of_squares(group: &[f32]) -> f64 {
    group.iter().map(|value| f64::from(*value).powi(2)).sum()
}

pub(crate) fn elementwise(function: ElementwiseFunction, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match function {
        ElementwiseFunction::Silu => x * sigmoid(x),
        ElementwiseFunction::Gelu => 0.5 * x * (1.0 + error_function(x / std::f64::consts::SQRT_2)),
        ElementwiseFunction::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
        }
        ElementwiseFunction::Sigmoid => sigmoid(x),
        ElementwiseFunction::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        ElementwiseFunction::Relu => x.max(0.0),
        ElementwiseFunction::Tanh => x.tanh(),
        ElementwiseFunction::Exp => x.exp(),
        ElementwiseFunction::Negate => -x,
    }
}

/// The error function by its Taylor series, and beyond 6 by its limit (off by less than 1e-16 there).
fn error_function(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    // erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·5···(2n+1)): all terms of one sign, no cancellation.
    let (mut term, mut sum, mut denominator) = (x, x, 1.0);
    while f64::abs(term) > 1e-18 * f64::abs(sum) {
        denominator += 2.0;
        term *= 2.0 * x * x / denominator;
        sum += term;
    }
    sum * (-x * x).exp() * 2.0 / std::f64::consts::PI.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_known_values() {
        let close = |function, x: f64, expected: f64| {
            let found = elementwise(function, x);
            assert!((found - expected).abs() < 1e-12, "{function:?}({x}) = {found}");
        };
        close(ElementwiseFunction::Silu, 1.0, 0.731_058_578_630_004_9);
        close(ElementwiseFunction::Gelu, 1.0, 0.841_344_746_068_542_9);
        close(ElementwiseFunction::Gelu, -3.0, -0.004_049_694_095_489_52);
        close(ElementwiseFunction::GeluTanh, 1.0, 0.841_191_990_607_477_2);
        close(ElementwiseFunction::Softplus, 1000.0, 1000.0);
        close(ElementwiseFunction::Softplus, 0.0, std::f64::consts::LN_2);
        close(ElementwiseFunction::Relu, -1.0, 0.0);
    }
}
