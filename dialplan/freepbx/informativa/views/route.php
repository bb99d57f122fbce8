<?php
// License: GPL-3.0-or-later, see LICENSE.
// On the page of an inbound route. Gets $informativa_notice, $informativa_line and $informativa_recording.
$notices = [
    'no' => _('No'),
    'did' => _('Yes'),
    'line' => _('Yes, as another line'),
];
$recordings = [
    'route' => _('As Call Recording says'),
    'after' => _('Only after the notice'),
    'told' => _('Only after the notice, and only who was told'),
];
$option = function ($value, $words, $current) {
    $chosen = $value === $current ? ' selected' : '';
    return '<option value="' . $value . '"' . $chosen . '>' . htmlspecialchars($words, ENT_QUOTES, 'UTF-8') . '</option>';
};
$rows = [
    ['informativa_notice', _('Privacy notice'), _('Whether callers hear the privacy notice before the destination, when it is due. The line is the number that was called; choose another where informativa knows this route by another number.')],
    ['informativa_line', _('Privacy notice: line'), _('The other line, as it stands in informativa.yaml.')],
    ['informativa_recording', _('Privacy notice: recording'), _('With Call Recording on Force or Yes, FreePBX starts to record before the notice. Only after the notice: it starts then. Only who was told: whoever did not hear it to the end, now or before, is not recorded by this route, nor by a Yes further on; a Force further on still records.')],
];
?>
<!--PRIVACY NOTICE-->
<?php foreach ($rows as [$name, $label, $help]) { ?>
<div class="element-container">
	<div class="row"><div class="form-group">
		<div class="col-md-3">
			<label class="control-label" for="<?php echo $name ?>"><?php echo htmlspecialchars($label, ENT_QUOTES, 'UTF-8') ?></label>
			<i class="fa fa-question-circle fpbx-help-icon" data-for="<?php echo $name ?>"></i>
		</div>
		<div class="col-md-9">
<?php if ($name === 'informativa_line') { ?>
			<input type="text" class="form-control" name="<?php echo $name ?>" id="<?php echo $name ?>" maxlength="64" value="<?php echo htmlspecialchars($informativa_line, ENT_QUOTES, 'UTF-8') ?>">
<?php } else { ?>
			<select class="form-control" name="<?php echo $name ?>" id="<?php echo $name ?>">
<?php foreach ($name === 'informativa_notice' ? $notices : $recordings as $value => $words) { ?>
				<?php echo $option($value, $words, $$name) . "\n" ?>
<?php } ?>
			</select>
<?php } ?>
		</div>
	</div></div>
	<div class="row"><div class="col-md-12">
		<span id="<?php echo $name ?>-help" class="help-block fpbx-help-block"><?php echo htmlspecialchars($help, ENT_QUOTES, 'UTF-8') ?></span>
	</div></div>
</div>
<?php } ?>
<!--END PRIVACY NOTICE-->
